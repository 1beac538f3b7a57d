package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.projection.PoolingProjection.PoolKind;
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

class PoolingProjectionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int K = 5;
  private static final int W = 7;
  private static final int N = K * W;
  private static final int D = 11;

  private record Pool(PoolKind kind) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return new PoolingProjection<T>(kind, N, K).compress(tf, x);
    }
  }

  /** At the full length, with the last window begun, and with whole windows missing. */
  @TestFactory
  Stream<DynamicTest> mean() {
    return Stream.of(N, N - 3, 11)
        .flatMap(
            n ->
                LayerContract.tests(
                    "mean, n = " + n,
                    new Pool(PoolKind.MEAN),
                    Shape.of(B, n, D),
                    (w, x) -> naive(x, B, n, false)));
  }

  @TestFactory
  Stream<DynamicTest> max() {
    return Stream.of(N, N - 3, 11)
        .flatMap(
            n ->
                LayerContract.tests(
                    "max, n = " + n,
                    new Pool(PoolKind.MAX),
                    Shape.of(B, H, n, D),
                    (w, x) -> naive(x, B * H, n, true)));
  }

  /** Of a window that isn't full, missing positions count as zeros. */
  @Test
  void byHand() {
    double[] mean =
        Graphs.evaluate(
            tf ->
                new PoolingProjection<TFloat64>(PoolKind.MEAN, 4, 2)
                    .compress(tf, Graphs.constant(tf, Shape.of(1, 3, 1), 3, 5, -8)));
    Graphs.assertClose(new double[] {4, -4}, mean, 0);
    double[] max =
        Graphs.evaluate(
            tf ->
                new PoolingProjection<TFloat64>(PoolKind.MAX, 4, 2)
                    .compress(tf, Graphs.constant(tf, Shape.of(1, 1, 3, 1), -3, -5, -8)));
    Graphs.assertClose(new double[] {-3, 0}, max, 0);
  }

  /** E(xW) = (Ex)W holds of a mean, not of a maximum. */
  @Test
  void onlyTheMeanGoesBeforeTheHeads() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> y = Graphs.constant(tf, Shape.of(1, 1, 1, 2), 1, 2);
      for (PoolKind kind : PoolKind.values()) {
        var projection = new PoolingProjection<TFloat64>(kind, N, K);
        assertEquals(kind == PoolKind.MEAN, projection.beforeHeads());
        assertSame(y, projection.addBias(tf, y));
      }
    }
  }

  private static double[] naive(double[] x, int sequences, int n, boolean max) {
    var y = new double[sequences * K * D];
    for (int s = 0; s < sequences; s++) {
      for (int j = 0; j < K; j++) {
        for (int c = 0; c < D; c++) {
          double sum = 0;
          double largest = Double.NEGATIVE_INFINITY;
          for (int w = 0; w < W; w++) {
            int t = j * W + w;
            double value = t < n ? x[(s * n + t) * D + c] : 0;
            sum += value;
            largest = Math.max(largest, value);
          }
          y[(s * K + j) * D + c] = max ? largest : sum / W;
        }
      }
    }
    return y;
  }
}
