package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.model.Values;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.runtime.Sessions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * Updates against the same in plain numbers: a matrix [2,3], which decays, and a vector [5], which
 * doesn't. A value's gradient is w + 0.3·t.
 */
class OptimizerTest {

  private static final int STEPS = 7;
  private static final double DECAY = 0.4;

  /** One value and its slots, in plain numbers. */
  private static final class Plain {
    double w;
    double first;
    double second;

    Plain(double w) {
      this.w = w;
    }
  }

  private interface Formula {
    void update(Plain value, double gradient, double rate);
  }

  static Stream<Arguments> optimizers() {
    return Stream.of(
        Arguments.of(new Sgd(0, false, DECAY), (Formula) (x, g, eta) -> x.w -= eta * g),
        Arguments.of(
            new Sgd(0.7, false, DECAY),
            (Formula)
                (x, g, eta) -> {
                  x.first = 0.7 * x.first + g;
                  x.w -= eta * x.first;
                }),
        Arguments.of(
            new Sgd(0.7, true, DECAY),
            (Formula)
                (x, g, eta) -> {
                  x.first = 0.7 * x.first + g;
                  x.w -= eta * (g + 0.7 * x.first);
                }),
        Arguments.of(
            new Adagrad(0.01, DECAY),
            (Formula)
                (x, g, eta) -> {
                  x.first += g * g;
                  x.w -= eta * g / (Math.sqrt(x.first) + 0.01);
                }),
        Arguments.of(
            new RmsProp(0.8, 0.6, 0.01, DECAY),
            (Formula)
                (x, g, eta) -> {
                  x.first = 0.8 * x.first + 0.2 * g * g;
                  x.second = 0.6 * x.second + eta * g / Math.sqrt(x.first + 0.01);
                  x.w -= x.second;
                }),
        Arguments.of(
            new Adadelta(0.8, 0.01, DECAY),
            (Formula)
                (x, g, eta) -> {
                  x.first = 0.8 * x.first + 0.2 * g * g;
                  double delta = g * Math.sqrt(x.second + 0.01) / Math.sqrt(x.first + 0.01);
                  x.second = 0.8 * x.second + 0.2 * delta * delta;
                  x.w -= eta * delta;
                }));
  }

  /** AdamW has formulas in a test of its own. */
  static Stream<Optimizer> all() {
    return Stream.concat(
        Stream.of(new AdamW(0.8, 0.9, 0.01, DECAY)),
        optimizers().map(each -> (Optimizer) each.get()[0]));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void followsItsFormula(Optimizer optimizer, Formula formula) {
    try (Graph graph = new Graph();
        Session session = Sessions.open(graph, 1)) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat64.class, 7);
      var slots = Variables.random(tf, TFloat64.class, 7);
      variables.create(new Parameter("matrix", Shape.of(2, 3), Initialization.normal(1)));
      variables.create(new Parameter("vector", Shape.of(5), Initialization.normal(1)));
      var rate = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.scalar()));
      var step = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
      Operand<TFloat64> shift = tf.math.mul(tf.dtypes.cast(step, TFloat64.class), tf.constant(0.3));
      List<Operand<TFloat64>> gradients = new ArrayList<>();
      variables.weights().forEach(weight -> gradients.add(tf.math.add(weight.value(), shift)));
      var update = optimizer.update(tf, variables.weights(), gradients, rate, step, slots);
      session.initialize();
      Map<String, double[]> initial = Values.fetchWeights(session, variables.weights());
      for (int t = 1; t <= STEPS; t++) {
        try (TInt64 number = TInt64.scalarOf(t);
            TFloat64 eta = TFloat64.scalarOf(0.1 / t);
            Result none =
                session.runner().feed(step, number).feed(rate, eta).addTarget(update).run()) {
          assertEquals(0, none.size());
        }
      }
      Map<String, double[]> found = Values.fetchWeights(session, variables.weights());
      initial.forEach(
          (name, values) ->
              Values.assertClose(
                  name,
                  expected(values, name.equals("matrix") ? DECAY : 0, formula),
                  found.getOrDefault(name, new double[0]),
                  1e-12));
      assertEquals(2 * optimizer.slots().size(), slots.weights().size());
    }
  }

  /** Neither weights nor what is kept of them, to the last bit; and the next step is made again. */
  @ParameterizedTest
  @MethodSource("all")
  void aStepWithoutNumbersChangesNothing(Optimizer optimizer) {
    try (Graph graph = new Graph();
        Session session = Sessions.open(graph, 1)) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 7);
      var slots = Variables.random(tf, TFloat32.class, 7);
      variables.create(new Parameter("matrix", Shape.of(2, 3), Initialization.normal(1)));
      variables.create(new Parameter("vector", Shape.of(5), Initialization.normal(1)));
      var value = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
      List<Operand<TFloat32>> gradients = new ArrayList<>();
      variables
          .weights()
          .forEach(
              weight ->
                  gradients.add(tf.math.add(tf.zerosLike(weight.value()), tf.identity(value))));
      var clipped = GradientClipping.byGlobalNorm(tf, gradients, 1);
      Operand<TFloat32> rate =
          tf.select(tf.math.isFinite(clipped.norm()), tf.constant(0.1f), tf.constant(0f));
      Operand<TInt64> step = tf.constant(3L);
      var update =
          optimizer.update(tf, variables.weights(), clipped.gradients(), rate, step, slots);
      session.initialize();
      List<Weight<TFloat32>> all = new ArrayList<>(variables.weights());
      all.addAll(slots.weights());
      Map<String, double[]> before = Map.of();
      for (float each : new float[] {1, 1, Float.NaN, Float.POSITIVE_INFINITY, 1e30f, 1}) {
        try (TFloat32 gradient = TFloat32.scalarOf(each);
            Result none = session.runner().feed(value, gradient).addTarget(update).run()) {
          assertEquals(0, none.size());
        }
        Map<String, double[]> after = Values.fetchWeights(session, all);
        for (var entry : before.entrySet()) {
          double[] now = after.getOrDefault(entry.getKey(), new double[0]);
          boolean same = Arrays.equals(entry.getValue(), now);
          assertEquals(each != 1, same, () -> entry.getKey() + " after " + each);
        }
        before = after;
      }
    }
  }

  /**
   * The steps of {@link Optimizer#minimize} are those of an update with the gradients and the
   * numbers of the steps: of Σ(w + 0.3)²/2 they are w + 0.3.
   */
  @ParameterizedTest
  @MethodSource("all")
  void minimizingIsAnUpdateByTheGradients(Optimizer optimizer) {
    for (double limit : new double[] {Double.POSITIVE_INFINITY, 0.5}) {
      Map<String, double[]> minimized = afterSteps(optimizer, limit, true);
      Map<String, double[]> updated = afterSteps(optimizer, limit, false);
      assertEquals(updated.keySet(), minimized.keySet());
      minimized.forEach(
          (name, values) ->
              Values.assertClose(name, updated.getOrDefault(name, new double[0]), values, 1e-13));
    }
  }

  private static Map<String, double[]> afterSteps(
      Optimizer optimizer, double limit, boolean minimize) {
    try (Graph graph = new Graph();
        Session session = Sessions.open(graph, 1)) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat64.class, 7);
      variables.create(new Parameter("matrix", Shape.of(2, 3), Initialization.normal(1)));
      variables.create(new Parameter("vector", Shape.of(5), Initialization.normal(1)));
      variables.create(
          new Parameter(
              "fixed",
              Shape.of(2),
              Initialization.normal(1),
              List.of(List.of("fixed")),
              Shape.of(2),
              false));
      List<Operand<TFloat64>> squares = new ArrayList<>();
      List<Operand<TFloat64>> gradients = new ArrayList<>();
      for (Weight<TFloat64> weight : variables.trainable()) {
        Operand<TFloat64> shifted = tf.math.add(weight.value(), tf.constant(0.3));
        squares.add(tf.nn.l2Loss(shifted));
        gradients.add(shifted);
      }
      squares.add(tf.nn.l2Loss(variables.weights().get(2).value()));
      Operand<TFloat64> loss = tf.math.addN(squares);
      Operand<TFloat64> rate = tf.constant(0.1);
      var step = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
      Op update;
      if (minimize && Double.isInfinite(limit)) {
        update = optimizer.minimize(tf, loss, variables, 0.1);
      } else if (minimize) {
        update = optimizer.minimize(tf, loss, variables, rate, limit);
      } else {
        var slots = Variables.random(tf, TFloat64.class, 7);
        var clipped = GradientClipping.byGlobalNorm(tf, gradients, limit);
        List<Operand<TFloat64>> used = Double.isInfinite(limit) ? gradients : clipped.gradients();
        update = optimizer.update(tf, variables.trainable(), used, rate, step, slots);
      }
      session.initialize();
      for (int t = 1; t <= STEPS; t++) {
        try (TInt64 number = TInt64.scalarOf(t);
            Result none = session.runner().feed(step, number).addTarget(update).run()) {
          assertEquals(0, none.size());
        }
      }
      return Values.fetchWeights(session, variables.weights());
    }
  }

  private static double[] expected(double[] values, double decay, Formula formula) {
    double[] all = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      Plain value = new Plain(values[i]);
      for (int t = 1; t <= STEPS; t++) {
        double gradient = value.w + 0.3 * t;
        value.w *= 1 - 0.1 / t * decay;
        formula.update(value, gradient, 0.1 / t);
      }
      all[i] = value.w;
    }
    return all;
  }
}
