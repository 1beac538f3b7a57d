package dev.linformer.ops.internal.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Dropout;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Naive;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/** Row t is plain linear attention to the sequence up to t. */
class CausalLinearAttentionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int N = 7;
  private static final int K = 5;
  private static final int D = 2;
  private static final double RATE = 0.3;

  /** Which projections there are, with a bias or without, for one head of keys or for each. */
  private record Case(boolean eachE, boolean eachF, boolean bias, int keyHeads) {

    Shape keys(int n) {
      return Shape.of(B, keyHeads, n, D);
    }

    Shape weight(boolean each) {
      return each ? Shape.of(H, K, N) : Shape.of(K, N);
    }

    Shape shift(boolean each) {
      return each ? Shape.of(H, K) : Shape.of(K);
    }

    /** Queries, keys, values, E, F and their biases for n positions. */
    List<GradientCheck.Input> inputs(int n) {
      var inputs = new ArrayList<GradientCheck.Input>();
      inputs.add(input("queries", 1, Shape.of(B, H, n, D)));
      inputs.add(input("keys", 2, keys(n)));
      inputs.add(input("values", 3, keys(n)));
      inputs.add(input("E", 4, weight(eachE)));
      inputs.add(input("F", 5, weight(eachF)));
      if (bias) {
        inputs.add(input("E.bias", 6, shift(eachE)));
        inputs.add(input("F.bias", 7, shift(eachF)));
      }
      return inputs;
    }

    private static GradientCheck.Input input(String name, long seed, Shape shape) {
      return new GradientCheck.Input(name, shape, values(seed, shape));
    }

    <T extends TFloating> Operand<T> build(
        Ops tf, List<Operand<T>> in, long chunk, @Nullable RandomKey key) {
      return CausalLinearAttention.call(
          tf,
          in.get(0),
          in.get(1),
          in.get(2),
          new LearnedProjection<>(in.get(3), bias ? in.get(5) : null),
          new LearnedProjection<>(in.get(4), bias ? in.get(6) : null),
          chunk,
          RATE,
          key);
    }

    <T extends TFloating> List<Operand<T>> constants(Ops tf, Class<T> type, int n) {
      var constants = new ArrayList<Operand<T>>();
      long seed = 1;
      for (Shape shape : shapes(n)) {
        constants.add(Graphs.constant(tf, type, shape, values(seed++, shape)));
      }
      return constants;
    }

    private List<Shape> shapes(int n) {
      return List.of(
          Shape.of(B, H, n, D),
          keys(n),
          keys(n),
          weight(eachE),
          weight(eachF),
          shift(eachE),
          shift(eachF));
    }

    /**
     * Every row by itself, in plain arrays.
     *
     * @param keep factor of each value of the softmax [b,h,n,k]
     */
    double[] naive(int n, double[] keep) {
      double[] q = values(1, Shape.of(B, H, n, D));
      double[] keys = values(2, keys(n));
      double[] values = values(3, keys(n));
      var y = new double[B * H * n * D];
      for (int s = 0; s < B * H; s++) {
        int from = (keyHeads == 1 ? s / H : s) * n * D;
        for (int t = 0; t < n; t++) {
          int end = from + (t + 1) * D;
          double[] k = project(4, eachE, s % H, Arrays.copyOfRange(keys, from, end));
          double[] v = project(5, eachF, s % H, Arrays.copyOfRange(values, from, end));
          int row = s * n + t;
          double[] out =
              Naive.attention(
                  Arrays.copyOfRange(q, row * D, (row + 1) * D),
                  k,
                  v,
                  D,
                  Arrays.copyOfRange(keep, row * K, (row + 1) * K));
          System.arraycopy(out, 0, y, row * D, D);
        }
      }
      return y;
    }

    /** The first columns of a projection on a prefix. */
    private double[] project(long seed, boolean each, int head, double[] prefix) {
      double[] all = values(seed, weight(each));
      double[] shifts = values(seed + 2, shift(each));
      int length = prefix.length / D;
      int first = each ? head * K : 0;
      var e = new double[K * length];
      for (int row = 0; row < K; row++) {
        System.arraycopy(all, (first + row) * N, e, row * length, length);
      }
      return Naive.project(
          e, bias ? Arrays.copyOfRange(shifts, first, first + K) : new double[K], prefix);
    }
  }

  private static double[] values(long seed, Shape shape) {
    return Graphs.normal(seed, shape.size());
  }

  static Stream<Case> cases() {
    var both = List.of(false, true);
    return both.stream()
        .flatMap(
            e ->
                both.stream()
                    .flatMap(
                        f ->
                            both.stream()
                                .flatMap(
                                    bias ->
                                        Stream.of(H, 1).map(keys -> new Case(e, f, bias, keys)))));
  }

  /** All chunks from one position to more than there are, and fewer positions than columns. */
  @ParameterizedTest
  @MethodSource("cases")
  void isTheNaiveOneInChunksOfEveryLength(Case each) {
    for (int n : new int[] {N, N - 2, 1}) {
      double[] naive = each.naive(n, Naive.ones(B * H * n * K));
      double[] all = inAllChunks(TFloat64.class, each, n);
      assertEquals((n + 1) * naive.length, all.length);
      for (int chunk = 1; chunk <= n + 1; chunk++) {
        double[] found = Arrays.copyOfRange(all, (chunk - 1) * naive.length, chunk * naive.length);
        Graphs.assertClose(naive, found, 1e-12);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void float32Agrees(Case each) {
    Graphs.assertClose(
        inAllChunks(TFloat64.class, each, N), inAllChunks(TFloat32.class, each, N), 1e-5);
  }

  private static <T extends TFloating> double[] inAllChunks(Class<T> type, Case each, int n) {
    return Graphs.evaluate(
        tf -> {
          var in = each.constants(tf, type, n);
          return tf.stack(
              LongStream.rangeClosed(1, n + 1)
                  .<Operand<T>>mapToObj(chunk -> each.build(tf, in, chunk, null))
                  .toList());
        });
  }

  /** One key and one value a position, in numbers that can be followed. */
  @Test
  void byHand() {
    double[] y =
        Graphs.evaluate(
            tf -> {
              // d = 4, so the scale is 1/2. K'_t = Σ E[:,i]·k_i; Q·K' = 2·ln 3·(1, 0), then (1, 1).
              var q = Graphs.constant(tf, Shape.of(1, 1, 2, 4), 2, 0, 0, 0, 2, 0, 0, 0);
              double ln = Math.log(3);
              var k = Graphs.constant(tf, Shape.of(1, 1, 2, 4), ln, 0, 0, 0, ln, 0, 0, 0);
              var v = Graphs.constant(tf, Shape.of(1, 1, 2, 4), 4, 8, 0, 40, 1, 1, 1, 1);
              var e = Graphs.constant(tf, Shape.of(2, 2), 1, 0, 0, 1);
              var projection = new LearnedProjection<>(e, null);
              return CausalLinearAttention.call(tf, q, k, v, projection, projection, 1, 0, null);
            });
    // Shares 3/4 and 1/4 of (4, 8, 0, 40) and nothing; then halves of it and of ones.
    Graphs.assertClose(new double[] {3, 6, 0, 30, 2.5, 4.5, 0.5, 20.5}, y, 1e-15);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 8})
  void dropoutComesAfterTheSoftmax(int chunk) {
    var each = new Case(true, false, true, H);
    int chunks = (N + chunk - 1) / chunk;
    double[] mask =
        Graphs.evaluate(
            tf ->
                Dropout.apply(
                    tf,
                    tf.ones(tf.constant(new int[] {B, H, chunks * chunk, K}), TFloat64.class),
                    RATE,
                    key(tf)));
    var keep = new double[B * H * N * K];
    for (int s = 0; s < B * H; s++) {
      System.arraycopy(mask, s * chunks * chunk * K, keep, s * N * K, N * K);
    }
    double[] found =
        Graphs.evaluate(
            tf -> each.build(tf, each.constants(tf, TFloat64.class, N), chunk, key(tf)));
    Graphs.assertClose(each.naive(N, keep), found, 1e-12);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gradients(Case each) {
    GradientCheck.check(each.inputs(N), (tf, in) -> each.build(tf, in, 3, null));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8})
  void gradientsInOtherChunks(int chunk) {
    var each = new Case(true, false, true, H);
    GradientCheck.check(each.inputs(N), (tf, in) -> each.build(tf, in, chunk, null));
    GradientCheck.check(each.inputs(N - 2), (tf, in) -> each.build(tf, in, chunk, key(tf)));
  }

  @Test
  void theSizeOfTheBatchMayBeUnknown() {
    var each = new Case(false, false, true, H);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var in = each.constants(tf, TFloat64.class, N);
      var q = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, H, N, D)));
      in.set(0, q);
      var y = each.build(tf, in, 3, null);
      assertArrayEquals(new long[] {H, N, D}, Arrays.copyOfRange(y.shape().asArray(), 1, 4));
      Graphs.assertClose(
          each.naive(N, Naive.ones(B * H * N * K)),
          Graphs.evaluate(graph, y, q, Shape.of(B, H, N, D), values(1, Shape.of(B, H, N, D))),
          1e-12);
    }
  }

  /**
   * At n = 4,096 with k = d = 16 and two heads, gradients included: the largest tensor of the whole
   * graph is far from [h,n,k,d].
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void noTensorHasAMatrixAPosition(boolean perHead) {
    long h = 2;
    long n = 4096;
    long k = 16;
    long d = 16;
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var shape = tf.constant(new long[] {1, h, n, d});
      Operand<TFloat32> q = tf.ones(shape, TFloat32.class);
      Operand<TFloat32> keys = tf.ones(shape, TFloat32.class);
      Operand<TFloat32> values = tf.ones(shape, TFloat32.class);
      long[] sizes = perHead ? new long[] {h, k, n} : new long[] {k, n};
      long[] rows = perHead ? new long[] {h, k} : new long[] {k};
      Operand<TFloat32> e = tf.ones(tf.constant(sizes), TFloat32.class);
      Operand<TFloat32> f = tf.ones(tf.constant(sizes), TFloat32.class);
      Operand<TFloat32> eBias = tf.ones(tf.constant(rows), TFloat32.class);
      Operand<TFloat32> fBias = tf.ones(tf.constant(rows), TFloat32.class);
      Operand<TFloat32> y =
          CausalLinearAttention.call(
              tf,
              q,
              keys,
              values,
              new LearnedProjection<>(e, eBias),
              new LearnedProjection<>(f, fBias),
              CausalLinearAttention.chunkFor(n, k, d),
              RATE,
              key(tf));
      var sum = tf.sum(tf.math.square(y), tf.constant(new int[] {0, 1, 2, 3}));
      tf.gradients(sum, List.of(q, keys, values, e, f, eBias, fBias));
      long largest = largest(graph);
      assertTrue(largest >= h * n * k, "the softmax is there: " + largest);
      assertTrue(4 * largest <= h * n * k * d, largest + " values");
    }
  }

  /** The size of the largest tensor; where the graph doesn't know a shape, the run does. */
  private static long largest(Graph graph) {
    long largest = 0;
    var unknown = new ArrayList<Operand<? extends TType>>();
    for (var operations = graph.operations(); operations.hasNext(); ) {
      var operation = operations.next();
      for (int i = 0; i < operation.numOutputs(); i++) {
        Operand<? extends TType> output = operation.output(i);
        Shape shape = output.shape();
        if (shape.isUnknown() || shape.hasUnknownDimension()) {
          unknown.add(output);
        } else {
          largest = Math.max(largest, shape.size());
        }
      }
    }
    if (unknown.isEmpty()) {
      return largest;
    }
    Ops tf = Ops.create(graph);
    var sizes = tf.stack(unknown.stream().<Operand<TInt32>>map(x -> tf.size(x)).toList());
    double most = Arrays.stream(Graphs.evaluate(graph, sizes)).max().orElse(0);
    return Math.max(largest, (long) most);
  }

  /** A power of two about √(k·d), from 16 to 512, and never more than there are positions. */
  @ParameterizedTest
  @CsvSource({
    "4096,16,16,16",
    "4096,16,17,32",
    "4096,128,64,128",
    "4096,1,1,16",
    "4096,4096,4096,512",
    "7,128,64,7",
    "1,1,1,1"
  })
  void theChunkThatCostsLeast(long n, long k, long d, long expected) {
    assertEquals(expected, CausalLinearAttention.chunkFor(n, k, d));
  }

  @Test
  void refusesShapesThatDoNotBelongTogether() {
    Shape q = Shape.of(B, H, N, D);
    Shape e = Shape.of(K, N);
    assertEquals(
        "CausalLinearAttention queries: 4 axes expected, found 3 in [3, 7, 2]",
        refused(Shape.of(H, N, D), q, q, e));
    assertEquals(
        "CausalLinearAttention keys: 4 axes expected, found 3 in [3, 7, 2]",
        refused(q, Shape.of(H, N, D), q, e));
    assertEquals(
        "CausalLinearAttention keys: axis 1 must be 3 (heads), found 2 in [2, 2, 7, 2]",
        refused(q, Shape.of(B, 2, N, D), q, e));
    assertEquals(
        "CausalLinearAttention values: axis 1 must be 3 (heads), found 2 in [2, 2, 7, 2]",
        refused(q, q, Shape.of(B, 2, N, D), e));
    assertEquals(
        "CausalLinearAttention keys: axis 2 must be 7 (sequence length), found 5 in [2, 3, 5, 2]",
        refused(q, Shape.of(B, H, 5, D), q, e));
    assertEquals(
        "CausalLinearAttention: at most 5 positions (sequence length), found 7",
        refused(q, q, q, Shape.of(K, 5)));
  }

  private static String refused(Shape q, Shape k, Shape v, Shape e) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var projection = new LearnedProjection<>(zeros(tf, e), null);
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  CausalLinearAttention.call(
                      tf,
                      zeros(tf, q),
                      zeros(tf, k),
                      zeros(tf, v),
                      projection,
                      projection,
                      3,
                      0,
                      null));
      return String.valueOf(error.getMessage());
    }
  }

  private static Operand<TFloat64> zeros(Ops tf, Shape shape) {
    return tf.zeros(tf.constant(shape), TFloat64.class);
  }

  private static RandomKey key(Ops tf) {
    return new RandomKey(tf.constant(new long[] {1, 2}));
  }

  /** Sums of ones over 600 chunks: in bfloat16 they would stop at 256, forward and backward. */
  @Test
  void sumsOfManyChunksAreWide() {
    int n = 600;
    var ones = new double[n];
    Arrays.fill(ones, 1);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Shape shape = Shape.of(1, 1, n, 1);
      Operand<TBfloat16> x = Graphs.constant(tf, TBfloat16.class, shape, ones);
      Operand<TBfloat16> values = Graphs.constant(tf, TBfloat16.class, shape, ones);
      var e =
          new LearnedProjection<>(Graphs.constant(tf, TBfloat16.class, Shape.of(1, n), ones), null);
      Operand<TBfloat16> y =
          CausalLinearAttention.call(tf, x, x, values, e, e, 1, 0, null); // t + 1 at position t
      Operand<TBfloat16> gradient = tf.gradients(y, List.of(values)).dy(0); // n − t
      double[] sums = Graphs.evaluate(graph, y);
      double[] gradients = Graphs.evaluate(graph, gradient);
      for (int t = 0; t < n; t++) {
        assertEquals(t + 1, sums[t], 0.01 * (t + 1));
        assertEquals(n - t, gradients[t], 0.01 * (n - t));
      }
    }
  }
}
