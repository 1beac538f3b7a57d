package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Naive;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
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

/** A learned or fixed projection of fewer positions than it has columns, and one without a bias. */
class ShorterInputTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int N = 11;
  private static final int K = 5;
  private static final int D = 7;

  /** Without a bias, for all heads or for each its own. */
  private record Fixed(boolean perHead) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      Shape shape = perHead ? Shape.of(H, K, N) : Shape.of(K, N);
      var weight = parameters.create(new Parameter("E", shape, Initialization.normal(1)));
      var projection = new LearnedProjection<>(weight, null);
      return projection.addBias(tf, projection.compress(tf, x));
    }
  }

  /** The gradient of the columns without a position is among what is checked: it is zero. */
  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(N, N - 1, 2, 1)
        .flatMap(
            n ->
                Stream.of(false, true)
                    .flatMap(
                        perHead ->
                            LayerContract.tests(
                                "n = " + n + (perHead ? ", per head" : ", shared"),
                                new Fixed(perHead),
                                perHead ? Shape.of(B, H, n, D) : Shape.of(B, n, D),
                                (w, x) -> naive(w, x, perHead ? H : 1, n))));
  }

  @Test
  void withoutABiasNothingIsAdded() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> y = Graphs.constant(tf, Shape.of(1, 1, 1, 2), 1, 2);
      var projection = new LearnedProjection<>(Graphs.constant(tf, Shape.of(1, 2), 3, 4), null);
      assertSame(y, projection.addBias(tf, y));
    }
  }

  @Test
  void columnsFromAnyPosition() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> weight = Graphs.constant(tf, Shape.of(2, 3), 1, 2, 3, 4, 5, 6);
      var projection = new LearnedProjection<>(weight, null);
      assertSame(weight, projection.columns(tf, 0, 3));
      Operand<TFloat64> part = projection.columns(tf, 1, 2);
      assertEquals(Shape.of(2, 2), part.shape());
      assertArrayEquals(new double[] {2, 3, 5, 6}, Graphs.evaluate(graph, part));
      assertEquals(3, projection.sequenceLength());
    }
  }

  private static double[] naive(Map<String, double[]> weights, double[] x, int heads, int n) {
    double[] all = Objects.requireNonNull(weights.get("E"));
    return IntStream.range(0, x.length / (n * D))
        .mapToObj(
            i -> {
              var e = new double[K * n];
              for (int row = 0; row < K; row++) {
                System.arraycopy(all, (i % heads * K + row) * N, e, row * n, n);
              }
              return Naive.project(
                  e, new double[K], Arrays.copyOfRange(x, i * n * D, (i + 1) * n * D));
            })
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }
}
