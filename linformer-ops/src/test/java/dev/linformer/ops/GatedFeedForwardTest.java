package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

/** The gated form (GLU) of the feed-forward layer. */
class GatedFeedForwardTest {

  private static final int C = 13;
  private static final int F = 17;
  private static final int OUT = 11;
  private static final Shape SHAPE = Shape.of(2, 7, C);
  private static final int ROWS = 2 * 7;
  private static final double RATE = 0.3;

  private record Gated(Activation activation) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return FeedForward.declare(parameters, "ff", C, F, OUT, activation, true)
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
                    new Gated(activation),
                    SHAPE,
                    (w, x) ->
                        naive(w, x, activation, Naive.ones(ROWS * F), Naive.ones(ROWS * OUT))));
  }

  @Test
  void byHand() {
    double[] y =
        Graphs.evaluate(
            tf ->
                new FeedForward<>(
                        new Dense<>(
                            Graphs.constant(tf, Shape.of(4, 2), 1, 1, 1, -3, 0, 2, 1, 0),
                            Graphs.constant(tf, Shape.of(4), 0, 1, -20, 2)),
                        new Dense<>(
                            Graphs.constant(tf, Shape.of(1, 2), 10, 1),
                            Graphs.constant(tf, Shape.of(1), 1000)),
                        Activation.RELU)
                    .call(tf, Graphs.constant(tf, Shape.of(1, 1, 2), 5, 3), 0, null));
    // Hidden (8, -3, -14, 7); ReLU of the first half (8, 0) times the second (-14, 7).
    Graphs.assertClose(new double[] {1000 - 8 * 14 * 10}, y, 0);
  }

  @Test
  void dropoutComesAfterTheGateAndAtTheEnd() {
    Weights weights = new Weights();
    double[] x = Graphs.normal(7, SHAPE.size());
    double[] y =
        Graphs.evaluate(
            tf ->
                FeedForward.declare(
                        weights.constants(tf, TFloat64.class),
                        "ff",
                        C,
                        F,
                        OUT,
                        Activation.GELU,
                        true)
                    .call(tf, Graphs.constant(tf, SHAPE, x), RATE, key(tf)));
    double[] hidden = mask(Shape.of(2, 7, F), 0);
    double[] last = mask(Shape.of(2, 7, OUT), 1);
    Graphs.assertClose(
        naive(weights.stateDictionary(), x, Activation.GELU, hidden, last), y, 1e-12);
  }

  @Test
  void asksForTwiceTheWidth() {
    var asked = new ArrayList<String>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      FeedForward.<TFloat64>declare(
          parameter -> {
            asked.add(parameter.name() + " " + parameter.shape());
            return Graphs.constant(
                tf, parameter.shape(), Naive.ones(Math.toIntExact(parameter.shape().size())));
          },
          "ff",
          3,
          5,
          7,
          Activation.GELU,
          true);
    }
    assertEquals(
        List.of(
            "ff.w_1.weight [10, 3]", "ff.w_1.bias [10]", "ff.w_2.weight [7, 5]", "ff.w_2.bias [7]"),
        asked);
  }

  private static double[] naive(
      Map<String, double[]> weights,
      double[] x,
      Activation activation,
      double[] hidden,
      double[] last) {
    double[] both = Naive.linear(x, get(weights, "ff.w_1.weight"), get(weights, "ff.w_1.bias"));
    var first = new double[ROWS * F];
    var second = new double[ROWS * F];
    for (int r = 0; r < ROWS; r++) {
      System.arraycopy(both, r * 2 * F, first, r * F, F);
      System.arraycopy(both, r * 2 * F + F, second, r * F, F);
    }
    double[] gate = Naive.activate(activation, first);
    double[] inside = Naive.multiply(Naive.multiply(gate, second), hidden);
    return Naive.multiply(
        Naive.linear(inside, get(weights, "ff.w_2.weight"), get(weights, "ff.w_2.bias")), last);
  }

  private static double[] get(Map<String, double[]> weights, String name) {
    return Objects.requireNonNull(weights.get(name), name);
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
