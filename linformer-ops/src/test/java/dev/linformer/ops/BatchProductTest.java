package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.kernel.KernelGraphs;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

class BatchProductTest {

  private static final int N = 5;
  private static final int P = 3;
  private static final int Q = 7;

  private static Shape left(int b, boolean shared) {
    return shared ? Shape.of(N, P) : Shape.of(b, N, P);
  }

  /** Sequence by sequence, [b,n,q]. */
  private static double[] expected(int b, boolean shared, double[] x, double[] y) {
    double[] product = new double[b * N * Q];
    for (int i = 0; i < b * N; i++) {
      for (int j = 0; j < Q; j++) {
        for (int l = 0; l < P; l++) {
          int row = shared ? i % N : i;
          product[i * Q + j] += x[row * P + l] * y[(i / N * P + l) * Q + j];
        }
      }
    }
    return product;
  }

  @ParameterizedTest
  @CsvSource({"1, false", "1, true", "2, false", "2, true"})
  void multipliesEachSequence(int b, boolean shared) {
    Shape left = left(b, shared);
    Shape right = Shape.of(b, P, Q);
    double[] x = Graphs.normal(1, left.size());
    double[] y = Graphs.normal(2, right.size());
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> product =
          BatchProduct.call(tf, Graphs.constant(tf, left, x), Graphs.constant(tf, right, y));
      assertEquals(Shape.of(b, N, Q), product.shape());
      assertEquals(b == 1 ? 1 : 0, KernelGraphs.operations(graph, "MatMul").size());
      Graphs.assertClose(expected(b, shared, x, y), Graphs.evaluate(graph, product), 1e-15);
    }
    GradientCheck.check(
        List.of(new GradientCheck.Input("x", left, x), new GradientCheck.Input("y", right, y)),
        (tf, given) -> BatchProduct.call(tf, given.get(0), given.get(1)));
  }

  /** With a batch of unknown size it is one of batches. */
  @ParameterizedTest
  @CsvSource({"false", "true"})
  void ofUnknownSize(boolean shared) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x =
          shared
              ? KernelGraphs.input(tf, TFloat64.class, N, P)
              : KernelGraphs.input(tf, TFloat64.class, -1, N, P);
      Operand<TFloat64> y = KernelGraphs.input(tf, TFloat64.class, -1, P, Q);
      assertEquals(Shape.of(-1, N, Q).toString(), BatchProduct.call(tf, x, y).shape().toString());
      assertEquals(0, KernelGraphs.operations(graph, "MatMul").size());
    }
  }
}
