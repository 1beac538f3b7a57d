package dev.linformer.ops.internal.product;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.internal.kernel.KernelGraphs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
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
          BatchProduct.ofSequences(tf, Graphs.constant(tf, left, x), Graphs.constant(tf, right, y));
      assertEquals(Shape.of(b, N, Q), product.shape());
      assertEquals(b == 1 ? 1 : 0, KernelGraphs.operations(graph, "MatMul").size());
      Graphs.assertClose(expected(b, shared, x, y), Graphs.evaluate(graph, product), 1e-15);
    }
    GradientCheck.check(
        List.of(new GradientCheck.Input("x", left, x), new GradientCheck.Input("y", right, y)),
        (tf, given) -> BatchProduct.ofSequences(tf, given.get(0), given.get(1)));
  }

  /** The transpose of each matrix of two, [2,p,q] → [2,q,p]. */
  private static double[] turned(double[] x, int p, int q) {
    double[] turned = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int row = i / q % p;
      turned[i / (p * q) * p * q + i % q * p + row] = x[i];
    }
    return turned;
  }

  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void multipliesTransposes(boolean turnX, boolean turnY) {
    Shape left = turnX ? Shape.of(2, 1, P, N) : Shape.of(2, 1, N, P);
    Shape right = turnY ? Shape.of(1, 2, Q, P) : Shape.of(1, 2, P, Q); // for both on the left
    double[] x = Graphs.normal(1, left.size());
    double[] y = Graphs.normal(2, right.size());
    double[] plainX = turnX ? turned(x, P, N) : x; // [2,1,n,p]
    double[] plainY = turnY ? turned(y, Q, P) : y; // [1,2,p,q]
    double[] expected = new double[4 * N * Q];
    for (int i = 0; i < 2; i++) {
      double[] same = new double[2 * N * P];
      System.arraycopy(plainX, i * N * P, same, 0, N * P);
      System.arraycopy(plainX, i * N * P, same, N * P, N * P);
      System.arraycopy(expected(2, false, same, plainY), 0, expected, i * 2 * N * Q, 2 * N * Q);
    }
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> product =
          BatchProduct.call(
              tf, Graphs.constant(tf, left, x), Graphs.constant(tf, right, y), turnX, turnY);
      assertEquals(Shape.of(2, 2, N, Q), product.shape());
      Graphs.assertClose(expected, Graphs.evaluate(graph, product), 1e-15);
    }
    GradientCheck.check(
        List.of(new GradientCheck.Input("x", left, x), new GradientCheck.Input("y", right, y)),
        (tf, given) -> BatchProduct.call(tf, given.get(0), given.get(1), turnX, turnY));
  }

  @ParameterizedTest
  @CsvSource({"false, 2, 0", "true, 2, 0", "false, 1, 2", "true, 1, 2"})
  void gradientsInTrainingAreOfTheSameKind(boolean transposed, int b, int others) {
    Shape left = Shape.of(2, N, P);
    Shape right = transposed ? Shape.of(b, Q, P) : Shape.of(b, P, Q); // of one: broadcast
    double[] x = Graphs.normal(1, left.size());
    double[] y = Graphs.normal(2, right.size());
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> given = Graphs.constant(tf, left, x);
      Operand<TFloat64> side = Graphs.constant(tf, right, y);
      Operand<TFloat64> product = BatchProduct.trained(tf, given, side, transposed, true);
      Graphs.assertClose(
          Graphs.evaluate(graph, BatchProduct.call(tf, given, side, false, transposed)),
          Graphs.evaluate(graph, product),
          0);
      KernelGraphs.gradients(tf, product, List.of(given, side));
      assertEquals(others, KernelGraphs.operations(graph, "BatchMatMulV3").size());
    }
    GradientCheck.check(
        List.of(new GradientCheck.Input("x", left, x), new GradientCheck.Input("y", right, y)),
        (tf, given) -> BatchProduct.trained(tf, given.get(0), given.get(1), transposed, true));
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
      assertEquals(
          Shape.of(-1, N, Q).toString(), BatchProduct.ofSequences(tf, x, y).shape().toString());
      assertEquals(0, KernelGraphs.operations(graph, "MatMul").size());
    }
  }

  /** One head and a matrix for all sequences in bfloat16, where oneDNN's product spoils memory. */
  @ParameterizedTest
  @CsvSource({"false, 2", "true, 2", "false, 3", "true, 4"})
  void oneHeadOfManySequences(boolean transposed, int rank) {
    long[] sizes = {1, 1, transposed ? Q : P, transposed ? P : Q};
    Shape right = Shape.of(Arrays.copyOfRange(sizes, 4 - rank, 4));
    double[] x = new double[64 * N * P];
    double[] y = new double[P * Q];
    Arrays.setAll(x, i -> i % 5 - 2);
    Arrays.setAll(y, i -> i % 3 - 1);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> product =
          BatchProduct.call(
              tf,
              Graphs.constant(tf, TBfloat16.class, Shape.of(64, 1, N, P), x),
              Graphs.constant(tf, TBfloat16.class, right, transposed ? turned(y, P, Q) : y),
              false,
              transposed);
      assertEquals(Shape.of(64, 1, N, Q), product.shape());
      double[] found = Graphs.evaluate(graph, product);
      for (int i = 0; i < found.length; i++) {
        double expected = 0;
        for (int l = 0; l < P; l++) {
          expected += x[i / Q * P + l] * y[l * Q + i % Q];
        }
        assertEquals(expected, found[i], "value " + i);
      }
    }
  }
}
