package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.model.Values;
import dev.linformer.model.Variables;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.runtime.Sessions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

/**
 * Updates against the same in plain loops. The gradient of a weight is (0.1 + i/100)·S·w, i its
 * number and S the sum of all weights: one that is computed after any weight has changed is wrong.
 */
class AdamWTest {

  private static final int WEIGHTS = 40;
  private static final int STEPS = 5;
  private static final double[] RATES = {0.01, 0.02, 0.03, 0.02, 0.01};

  /** Of ranks 1 to 3, and sizes that differ. */
  private static Shape shape(int i) {
    return switch (i % 3) {
      case 0 -> Shape.of(1 + i);
      case 1 -> Shape.of(1 + i, 3);
      default -> Shape.of(2, 1 + i, 5);
    };
  }

  private static double factor(int i) {
    return 0.1 + i / 100.0;
  }

  private static Map<String, double[]> train(AdamW adam) {
    try (Graph graph = new Graph();
        Session session = Sessions.open(graph, Sessions.ALL_THREADS)) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat64.class, 7);
      var slots = Variables.random(tf, TFloat64.class, 7);
      List<Operand<TFloat64>> sums = new ArrayList<>();
      for (int i = 0; i < WEIGHTS; i++) {
        var weight = variables.create(new Parameter("w" + i, shape(i), Initialization.normal(0.1)));
        sums.add(tf.sum(tf.reshape(weight, tf.constant(new int[] {-1})), tf.constant(0)));
      }
      var total = tf.math.addN(sums);
      List<Operand<TFloat64>> gradients = new ArrayList<>();
      for (int i = 0; i < WEIGHTS; i++) {
        var scaled = tf.math.mul(total, tf.constant(factor(i)));
        gradients.add(tf.math.mul(variables.weights().get(i).value(), scaled));
      }
      var rate = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.scalar()));
      var step = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
      var update = adam.update(tf, variables.weights(), gradients, rate, step, slots);
      session.initialize();
      for (int t = 1; t <= STEPS; t++) {
        try (TInt64 number = TInt64.scalarOf(t);
            TFloat64 eta = TFloat64.scalarOf(RATES[t - 1]);
            Result none =
                session.runner().feed(step, number).feed(rate, eta).addTarget(update).run()) {
          assertEquals(0, none.size());
        }
      }
      Map<String, double[]> values = Values.fetchWeights(session, variables.weights());
      values.putAll(Values.fetchWeights(session, slots.weights()));
      return values;
    }
  }

  /** torch.optim.AdamW, after its documentation. */
  private static Map<String, double[]> expected(AdamW adam) {
    Map<String, double[]> values = new LinkedHashMap<>();
    try (Graph graph = new Graph()) {
      var variables = Variables.random(Ops.create(graph), TFloat64.class, 7);
      for (int i = 0; i < WEIGHTS; i++) {
        variables.create(new Parameter("w" + i, shape(i), Initialization.normal(0.1)));
      }
      values.putAll(Values.initial(graph, variables.weights()));
    }
    for (int i = 0; i < WEIGHTS; i++) {
      int size = Math.toIntExact(shape(i).size());
      values.put("w" + i + ".m", new double[size]);
      values.put("w" + i + ".v", new double[size]);
    }
    for (int t = 1; t <= STEPS; t++) {
      double total = 0;
      for (int i = 0; i < WEIGHTS; i++) {
        total += Arrays.stream(get(values, "w" + i)).sum();
      }
      double rate = RATES[t - 1];
      for (int i = 0; i < WEIGHTS; i++) {
        double[] w = get(values, "w" + i);
        double[] m = get(values, "w" + i + ".m");
        double[] v = get(values, "w" + i + ".v");
        double decay = shape(i).numDimensions() > 1 ? adam.weightDecay() : 0;
        for (int j = 0; j < w.length; j++) {
          double g = factor(i) * total * w[j];
          w[j] -= rate * decay * w[j];
          m[j] = adam.beta1() * m[j] + (1 - adam.beta1()) * g;
          v[j] = adam.beta2() * v[j] + (1 - adam.beta2()) * g * g;
          double mean = m[j] / (1 - Math.pow(adam.beta1(), t));
          double square = v[j] / (1 - Math.pow(adam.beta2(), t));
          w[j] -= rate * mean / (Math.sqrt(square) + adam.epsilon());
        }
      }
    }
    return values;
  }

  private static double[] get(Map<String, double[]> values, String name) {
    return Objects.requireNonNull(values.get(name), name);
  }

  private static void assertTorchs(AdamW adam) {
    Map<String, double[]> found = train(adam);
    Map<String, double[]> expected = expected(adam);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((name, values) -> Values.assertClose(name, values, get(found, name), 1e-11));
  }

  @Test
  void isTorchs() {
    assertTorchs(new AdamW(0.9, 0.999, 1e-8, 0.3));
  }

  @Test
  void otherBetas() {
    assertTorchs(new AdamW(0.7, 0.8, 1e-8, 0.3));
  }

  /** Of the size of the gradients, so that its place decides. */
  @Test
  void epsilonStandsOutsideTheCorrectedRoot() {
    assertTorchs(new AdamW(0.9, 0.999, 0.1, 0.3));
  }

  @Test
  void withoutDecayItIsAdam() {
    assertTorchs(new AdamW(0.9, 0.999, 1e-8, 0));
  }

  @Test
  void everyRunIsTheSame() {
    AdamW adam = new AdamW(0.9, 0.999, 1e-8, 0.3);
    Map<String, double[]> first = train(adam);
    for (int run = 1; run < 20; run++) {
      train(adam).forEach((name, values) -> assertArrayEquals(get(first, name), values, name));
    }
  }
}
