package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
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

class ConvolutionProjectionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int K = 5;
  private static final int W = 7;
  private static final int N = K * W;
  private static final int D = 2;
  private static final Initialization NORMAL = Initialization.normal(1);

  private record Convolution(boolean perHead) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      var projection =
          perHead
              ? new ConvolutionProjection<>(
                  parameters.create(stacked("E.weights", Shape.of(H, D, D, W), "weight")),
                  parameters.create(stacked("E.biases", Shape.of(H, D), "bias")),
                  K)
              : new ConvolutionProjection<>(
                  parameters.create(new Parameter("E.weight", Shape.of(D, D, W), NORMAL)),
                  parameters.create(new Parameter("E.bias", Shape.of(D), NORMAL)),
                  K);
      return projection.addBias(tf, projection.compress(tf, x));
    }

    private static Parameter stacked(String name, Shape shape, String kind) {
      return Parameter.stacked(
          name, shape, NORMAL, List.of("E.0." + kind, "E.1." + kind, "E.2." + kind));
    }
  }

  /** At the full length, with the last window begun, and with whole windows missing. */
  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(N, N - 3, 11)
        .flatMap(
            n ->
                Stream.of(false, true)
                    .flatMap(
                        perHead ->
                            LayerContract.tests(
                                "n = " + n + (perHead ? ", per head" : ", shared"),
                                new Convolution(perHead),
                                Shape.of(B, H, n, D),
                                (w, x) -> naive(w, x, H, n))));
  }

  /** One head of keys under the convolutions of all heads. */
  @TestFactory
  Stream<DynamicTest> oneHead() {
    return LayerContract.tests(
        "one head", new Convolution(true), Shape.of(B, 1, N, D), (w, x) -> naive(w, x, 1, N));
  }

  @Test
  void byHand() {
    double[] y =
        Graphs.evaluate(
            tf ->
                new ConvolutionProjection<>(
                        // Channel 0 sees position 0 of the window, channel 1 the sum of all.
                        Graphs.constant(tf, Shape.of(2, 2, 2), 1, 0, 0, 0, 1, 1, 1, 1),
                        Graphs.constant(tf, Shape.of(2), 100, 200),
                        2)
                    .compress(
                        tf, Graphs.constant(tf, Shape.of(1, 1, 4, 2), 1, 2, 3, 4, 5, 6, 7, 8)));
    Graphs.assertClose(new double[] {101, 210, 105, 226}, y, 0);
  }

  @Test
  void itsBiasIsInIt() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> y = Graphs.constant(tf, Shape.of(1, 1, 1, 2), 1, 2);
      var projection =
          new ConvolutionProjection<>(
              Graphs.constant(tf, Shape.of(2, 2, 1), 1, 0, 0, 1),
              Graphs.constant(tf, Shape.of(2), 100, 200),
              1);
      assertSame(y, projection.addBias(tf, y));
      assertFalse(projection.beforeHeads());
    }
  }

  /** out[h,j,o] = bias[o] + Σ over the window and its channels; behind the end are zeros. */
  private static double[] naive(Map<String, double[]> weights, double[] x, int heads, int n) {
    var y = new double[B * H * K * D];
    for (int b = 0; b < B; b++) {
      for (int h = 0; h < H; h++) {
        String name = weights.containsKey("E.weight") ? "E" : "E." + h;
        double[] weight = Objects.requireNonNull(weights.get(name + ".weight"));
        double[] bias = Objects.requireNonNull(weights.get(name + ".bias"));
        int from = (b * heads + (heads == 1 ? 0 : h)) * n;
        for (int j = 0; j < K; j++) {
          for (int o = 0; o < D; o++) {
            double sum = bias[o];
            for (int w = 0; w < W && j * W + w < n; w++) {
              for (int i = 0; i < D; i++) {
                sum += weight[(o * D + i) * W + w] * x[(from + j * W + w) * D + i];
              }
            }
            y[((b * H + h) * K + j) * D + o] = sum;
          }
        }
      }
    }
    return y;
  }
}
