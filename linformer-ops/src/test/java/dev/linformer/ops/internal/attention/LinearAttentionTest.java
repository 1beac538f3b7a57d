package dev.linformer.ops.internal.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.Dropout;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Naive;
import dev.linformer.ops.RandomKey;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class LinearAttentionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int N = 7;
  private static final int K = 5;
  private static final int D = 11;
  private static final double RATE = 0.3;

  private final double[] queries = Graphs.normal(1, B * H * N * D);
  private final double[] keys = Graphs.normal(2, B * H * K * D);
  private final double[] values = Graphs.normal(3, B * H * K * D);

  @Test
  void byHand() {
    // Scores 2·ln 3 and 0 over √4: shares 3/4 and 1/4.
    double[] y =
        Graphs.evaluate(
            tf ->
                LinearAttention.call(
                    tf,
                    Graphs.constant(tf, Shape.of(1, 1, 1, 4), 1, 0, 0, 2),
                    Graphs.constant(tf, Shape.of(1, 1, 2, 4), 0, 5, 7, Math.log(3), 0, 5, 7, 0),
                    Graphs.constant(tf, Shape.of(1, 1, 2, 4), 4, 8, 0, 40, 12, 0, 4, 80),
                    0,
                    null));
    Graphs.assertClose(new double[] {6, 6, 1, 50}, y, 1e-15);
  }

  @Test
  void isTheNaiveOne() {
    double[] keep = Naive.ones(B * H * N * K);
    Graphs.assertClose(naive(keep), run(TFloat64.class, false), 1e-12);
  }

  @Test
  void dropoutComesAfterTheSoftmax() {
    double[] keep =
        Graphs.evaluate(
            tf ->
                Dropout.apply(
                    tf,
                    tf.ones(tf.constant(new int[] {B, H, N, K}), TFloat64.class),
                    RATE,
                    key(tf)));
    Graphs.assertClose(naive(keep), run(TFloat64.class, true), 1e-12);
  }

  @Test
  void float32Agrees() {
    Graphs.assertClose(run(TFloat64.class, false), run(TFloat32.class, false), 1e-5);
    Graphs.assertClose(run(TFloat64.class, true), run(TFloat32.class, true), 1e-5);
  }

  @Test
  void largeScoresDoNotOverflow() {
    double[] y =
        Graphs.evaluate(
            tf ->
                LinearAttention.call(
                    tf,
                    Graphs.constant(tf, TFloat32.class, Shape.of(1, 1, 1, 1), 1e4),
                    Graphs.constant(tf, TFloat32.class, Shape.of(1, 1, 2, 1), 1, -1),
                    Graphs.constant(tf, TFloat32.class, Shape.of(1, 1, 2, 1), 3, 5),
                    0,
                    null));
    Graphs.assertClose(new double[] {3}, y, 0);
  }

  @Test
  void gradients() {
    GradientCheck.check(
        inputs(), (tf, in) -> LinearAttention.call(tf, in.get(0), in.get(1), in.get(2), 0, null));
  }

  @Test
  void gradientsWithDropout() {
    GradientCheck.check(
        inputs(),
        (tf, in) -> LinearAttention.call(tf, in.get(0), in.get(1), in.get(2), RATE, key(tf)));
  }

  @Test
  void theSizeOfTheBatchMayBeUnknown() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var q = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, H, N, D)));
      var y =
          LinearAttention.call(
              tf,
              q,
              Graphs.constant(tf, Shape.of(B, H, K, D), keys),
              Graphs.constant(tf, Shape.of(B, H, K, D), values),
              0,
              null);
      assertArrayEquals(new long[] {H, N, D}, Arrays.copyOfRange(y.shape().asArray(), 1, 4));
      Graphs.assertClose(
          run(TFloat64.class, false),
          Graphs.evaluate(graph, y, q, Shape.of(B, H, N, D), queries),
          1e-14);
    }
  }

  @Test
  void refusesShapesThatDoNotBelongTogether() {
    assertEquals(
        "LinearAttention queries: 4 axes expected, found 3 in [3, 7, 11]",
        refused(Shape.of(H, N, D), Shape.of(B, H, K, D), Shape.of(B, H, K, D)));
    assertEquals(
        "LinearAttention keys: 4 axes expected, found 3 in [3, 5, 11]",
        refused(Shape.of(B, H, N, D), Shape.of(H, K, D), Shape.of(B, H, K, D)));
    assertEquals(
        "LinearAttention keys: axis 1 must be 3 (heads), found 7 in [2, 7, 5, 11]",
        refused(Shape.of(B, H, N, D), Shape.of(B, 7, K, D), Shape.of(B, H, K, D)));
    assertEquals(
        "LinearAttention keys: axis 3 must be 11 (width of a head), found 13 in [2, 3, 5, 13]",
        refused(Shape.of(B, H, N, D), Shape.of(B, H, K, 13), Shape.of(B, H, K, D)));
    assertEquals(
        "LinearAttention values: 4 axes expected, found 3 in [3, 5, 11]",
        refused(Shape.of(B, H, N, D), Shape.of(B, H, K, D), Shape.of(H, K, D)));
    assertEquals(
        "LinearAttention values: axis 1 must be 3 (heads), found 7 in [2, 7, 5, 11]",
        refused(Shape.of(B, H, N, D), Shape.of(B, H, K, D), Shape.of(B, 7, K, D)));
    assertEquals(
        "LinearAttention values: axis 2 must be 5 (projected length), found 7 in [2, 3, 7, 11]",
        refused(Shape.of(B, H, N, D), Shape.of(B, H, K, D), Shape.of(B, H, N, D)));
  }

  private static String refused(Shape q, Shape k, Shape v) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> LinearAttention.call(tf, zeros(tf, q), zeros(tf, k), zeros(tf, v), 0, null));
      return String.valueOf(error.getMessage());
    }
  }

  private static Operand<TFloat64> zeros(Ops tf, Shape shape) {
    return tf.zeros(tf.constant(shape), TFloat64.class);
  }

  private List<GradientCheck.Input> inputs() {
    return List.of(
        new GradientCheck.Input("queries", Shape.of(B, H, N, D), queries),
        new GradientCheck.Input("keys", Shape.of(B, H, K, D), keys),
        new GradientCheck.Input("values", Shape.of(B, H, K, D), values));
  }

  private double[] naive(double[] keep) {
    return IntStream.range(0, B * H)
        .mapToObj(
            i ->
                Naive.attention(
                    Arrays.copyOfRange(queries, i * N * D, (i + 1) * N * D),
                    Arrays.copyOfRange(keys, i * K * D, (i + 1) * K * D),
                    Arrays.copyOfRange(values, i * K * D, (i + 1) * K * D),
                    D,
                    Arrays.copyOfRange(keep, i * N * K, (i + 1) * N * K)))
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  private <T extends TFloating> double[] run(Class<T> type, boolean dropout) {
    return Graphs.evaluate(
        tf ->
            LinearAttention.call(
                tf,
                Graphs.constant(tf, type, Shape.of(B, H, N, D), queries),
                Graphs.constant(tf, type, Shape.of(B, H, K, D), keys),
                Graphs.constant(tf, type, Shape.of(B, H, K, D), values),
                RATE,
                dropout ? key(tf) : null));
  }

  private static RandomKey key(Ops tf) {
    return new RandomKey(tf.constant(new long[] {1, 2}));
  }
}
