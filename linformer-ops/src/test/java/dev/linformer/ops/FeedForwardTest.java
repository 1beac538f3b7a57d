package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class FeedForwardTest {

  private static final int C = 13;
  private static final int F = 17;
  private static final Shape SHAPE = Shape.of(2, 7, C);
  private static final double RATE = 0.3;

  private record Plain(Activation activation) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return FeedForward.declare(parameters, "ff", C, F, C, activation, false)
          .call(tf, x, RATE, null);
    }
  }

  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(Activation.values())
        .flatMap(
            activation ->
                LayerContract.tests(
                    activation.name(),
                    new Plain(activation),
                    SHAPE,
                    (w, x) -> Naive.feedForward(w, "ff", x, C, F, activation)));
  }

  @Test
  void byHand() {
    double[] y =
        Graphs.evaluate(
            tf ->
                new FeedForward<>(
                        new Dense<>(
                            Graphs.constant(tf, Shape.of(3, 2), 1, 1, 1, -1, 0, 2),
                            Graphs.constant(tf, Shape.of(3), 0, 1, -20)),
                        new Dense<>(
                            Graphs.constant(tf, Shape.of(2, 3), 1, 2, 3, 4, 5, 6),
                            Graphs.constant(tf, Shape.of(2), 100, 200)),
                        Activation.RELU)
                    .call(tf, Graphs.constant(tf, Shape.of(1, 1, 2), 5, 3), 0, null));
    // Hidden (8, 3, -14), after ReLU (8, 3, 0).
    Graphs.assertClose(new double[] {114, 247}, y, 0);
  }

  @Test
  void dropoutComesAfterTheActivationAndAtTheEnd() {
    var weights = new Weights();
    double[] x = Graphs.normal(7, SHAPE.size());
    double[] y =
        Graphs.evaluate(
            tf ->
                FeedForward.declare(
                        weights.constants(tf, TFloat64.class),
                        "ff",
                        C,
                        F,
                        C,
                        Activation.GELU,
                        false)
                    .call(tf, Graphs.constant(tf, SHAPE, x), RATE, key(tf)));
    double[] hidden = mask(Shape.of(2, 7, F), 0);
    double[] last = mask(SHAPE, 1);
    Graphs.assertClose(
        Naive.feedForward(weights.stateDictionary(), "ff", x, C, F, Activation.GELU, hidden, last),
        y,
        1e-12);
  }

  @Test
  void gradientsWithDropout() {
    var weights = new Weights();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      FeedForward.declare(
          weights.constants(tf, TFloat64.class), "ff", C, F, C, Activation.GELU, false);
    }
    var inputs =
        Stream.concat(
                weights.inputs().stream(),
                Stream.of(new GradientCheck.Input("x", SHAPE, Graphs.normal(7, SHAPE.size()))))
            .toList();
    GradientCheck.check(
        inputs,
        (tf, in) ->
            FeedForward.declare(weights.operands(in), "ff", C, F, C, Activation.GELU, false)
                .call(tf, in.get(in.size() - 1), RATE, key(tf)));
  }

  @Test
  void outsideTrainingNoRandomOperationIsAdded() {
    assertEquals(
        List.of(operations(0, false)),
        Stream.of(operations(RATE, false), operations(0, true)).distinct().toList());
  }

  private static int operations(double rate, boolean training) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var key = key(tf);
      FeedForward.declare(
              new Weights().constants(tf, TFloat64.class), "ff", C, F, C, Activation.GELU, false)
          .call(
              tf,
              Graphs.constant(tf, SHAPE, Graphs.normal(7, SHAPE.size())),
              rate,
              training ? key : null);
      return Graphs.operations(graph);
    }
  }

  private static double[] mask(Shape shape, int place) {
    return Graphs.evaluate(
        tf ->
            Dropout.apply(
                tf, tf.ones(tf.constant(shape), TFloat64.class), RATE, key(tf).fold(place)));
  }

  private static RandomKey key(Ops tf) {
    return new RandomKey(tf.constant(new long[] {1, 2}));
  }
}
