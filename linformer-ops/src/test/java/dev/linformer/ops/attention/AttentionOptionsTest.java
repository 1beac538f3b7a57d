package dev.linformer.ops.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Naive;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.Weights;
import dev.linformer.ops.projection.ConvolutionProjection;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.PoolingProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** What a position sees, one head of keys for all, two output maps, a source, a mask. */
class AttentionOptionsTest {

  private static final int B = 2;
  private static final int N = 7;
  private static final int C = 13;
  private static final int D = 3;
  private static final int H = 2;
  private static final int K = 5;
  private static final int BETWEEN = 11;
  private static final String NAME = "seq.0.fn";
  private static final Shape SHAPE = Shape.of(B, N, C);

  /** Padding at the end, in the middle and at the beginning. */
  private static final boolean[][] MASK = {
    {true, true, true, true, true, false, false}, {false, true, false, true, true, true, false}
  };

  /**
   * An attention and what it is given.
   *
   * @param projections null for none
   * @param sourceLength 0 for attention of x to itself
   */
  private record Case(
      @Nullable Projections projections,
      Visibility visibility,
      boolean oneKeyValueHead,
      boolean twoMaps,
      int sourceLength,
      boolean masked)
      implements LayerContract.Layer {

    static Case of(@Nullable Projections projections, Visibility visibility) {
      return new Case(projections, visibility, false, false, 0, false);
    }

    Case oneKeyHead() {
      return new Case(projections, visibility, true, twoMaps, sourceLength, masked);
    }

    Case withTwoMaps() {
      return new Case(projections, visibility, oneKeyValueHead, true, sourceLength, masked);
    }

    Case to(int length) {
      return new Case(projections, visibility, oneKeyValueHead, twoMaps, length, masked);
    }

    Case withMask() {
      return new Case(projections, visibility, oneKeyValueHead, twoMaps, sourceLength, true);
    }

    int length() {
      return sourceLength == 0 ? N : sourceLength;
    }

    double[] source(double[] x) {
      return sourceLength == 0 ? x : Graphs.normal(11, (long) B * sourceLength * C);
    }

    boolean real(int sequence, int position) {
      return !masked || MASK[sequence][position];
    }

    <T extends TFloating> MultiHeadAttention<T> declare(ParameterFactory<T> parameters) {
      var spec = new AttentionSpec(C, H, D, twoMaps ? BETWEEN : null, oneKeyValueHead, visibility);
      if (projections == null) {
        var none = new IdentityProjection<T>();
        return MultiHeadAttention.declare(parameters, NAME, spec, none, none);
      }
      var ef = projections.declare(parameters, NAME, H, K, N);
      return MultiHeadAttention.declare(parameters, NAME, spec, ef.get(0), ef.get(1));
    }

    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      MultiHeadAttention<T> attention = declare(parameters);
      if (sourceLength == 0) {
        return attention.call(tf, x, x, mask(tf, x), 0, null);
      }
      // As many sequences as x has; the contract also asks for the first or the second alone.
      long[] sizes = {B, sourceLength, C};
      Operand<T> whole = Graphs.constant(tf, x.type(), Shape.of(sizes), source(new double[0]));
      return attention.call(tf, x, whole, mask(tf, whole), 0, null);
    }

    private @Nullable Operand<TBool> mask(Ops tf, Operand<?> source) {
      if (!masked) {
        return null;
      }
      var values = new boolean[B * length()];
      for (int i = 0; i < values.length; i++) {
        values[i] = MASK[i / length()][i % length()];
      }
      assertEquals(B, source.shape().get(0));
      return tf.reshape(tf.constant(values), tf.constant(new int[] {B, length()}));
    }

    double[] naive(Map<String, double[]> weights, double[] x) {
      int b = x.length / (N * C);
      var joined = new double[b * N * H * D];
      for (int s = 0; s < b; s++) {
        double[] from = Arrays.copyOfRange(x, s * N * C, (s + 1) * N * C);
        double[] to = clean(source(x), s);
        for (int i = 0; i < H; i++) {
          int j = oneKeyValueHead ? 0 : i;
          double[] q = linear(weights, ".to_q." + i, from);
          double[] k = linear(weights, ".to_k." + j, to);
          double[] v = linear(weights, ".to_v." + j, to);
          for (int t = 0; t < N; t++) {
            double[] row =
                Naive.attention(
                    Arrays.copyOfRange(q, t * D, (t + 1) * D),
                    seen(weights, "E", i, s, t, k),
                    seen(weights, "F", i, s, t, v),
                    D,
                    Naive.ones(Math.max(K, N)));
            System.arraycopy(row, 0, joined, ((s * N + t) * H + i) * D, D);
          }
        }
      }
      if (!twoMaps) {
        return Naive.linear(joined, get(weights, ".w_o.weight"), get(weights, ".w_o.bias"));
      }
      double[] between =
          Naive.linear(joined, get(weights, ".w_o_1.weight"), get(weights, ".w_o_1.bias"));
      return Naive.linear(between, get(weights, ".w_o_2.weight"), get(weights, ".w_o_2.bias"));
    }

    /** A sequence of the source, zeros at padded positions. */
    private double[] clean(double[] source, int s) {
      int size = length() * C;
      double[] one = Arrays.copyOfRange(source, s * size, (s + 1) * size);
      for (int t = 0; t < length(); t++) {
        if (!real(s, t)) {
          Arrays.fill(one, t * C, (t + 1) * C, 0);
        }
      }
      return one;
    }

    /** The keys or values that position t sees. */
    private double[] seen(
        Map<String, double[]> weights, String role, int head, int s, int t, double[] x) {
      boolean all = visibility == Visibility.ALL;
      if (projections == null) {
        return IntStream.range(0, length())
            .filter(j -> (all || j <= t) && real(s, j))
            .mapToObj(j -> Arrays.copyOfRange(x, j * D, (j + 1) * D))
            .flatMapToDouble(Arrays::stream)
            .toArray();
      }
      int end = visibility == Visibility.CAUSAL ? t + 1 : length();
      double[] e = get(weights, ".heads." + head + "." + role + ".weight");
      var columns = new double[K * end];
      for (int row = 0; row < K; row++) {
        System.arraycopy(e, row * N, columns, row * end, end);
      }
      double[] bias = get(weights, ".heads." + head + "." + role + ".bias");
      double[] compressed = Naive.project(columns, bias, Arrays.copyOf(x, end * D));
      return visibility == Visibility.LEAKING_TRIANGLE
          ? Arrays.copyOf(compressed, Math.min(K, t + 1) * D)
          : compressed;
    }
  }

  private static double[] linear(Map<String, double[]> weights, String name, double[] x) {
    return Naive.linear(x, get(weights, name + ".weight"), new double[D]);
  }

  private static double[] get(Map<String, double[]> weights, String name) {
    return Objects.requireNonNull(weights.get(NAME + name), name);
  }

  /** Everything without a mask and without a source, which have a fixed batch. */
  @TestFactory
  Stream<DynamicTest> contract() {
    List<Case> cases = new ArrayList<>();
    for (Visibility visibility : Visibility.values()) {
      cases.add(Case.of(null, visibility));
      cases.add(Case.of(Projections.ONE, visibility));
      cases.add(Case.of(Projections.PER_HEAD, visibility));
      cases.add(Case.of(Projections.MIXED, visibility).oneKeyHead().withTwoMaps());
    }
    cases.add(Case.of(Projections.TWO, Visibility.ALL).withTwoMaps());
    cases.add(Case.of(Projections.TWO, Visibility.ALL).oneKeyHead());
    cases.add(Case.of(Projections.PER_HEAD, Visibility.ALL).oneKeyHead());
    cases.add(Case.of(null, Visibility.CAUSAL).oneKeyHead());
    return cases.stream()
        .flatMap(each -> LayerContract.tests(each.toString(), each, SHAPE, each::naive));
  }

  @TestFactory
  Stream<DynamicTest> masksAndSources() {
    List<Case> cases = new ArrayList<>();
    for (Visibility visibility : Visibility.values()) {
      for (Projections projections :
          new @Nullable Projections[] {null, Projections.ONE, Projections.PER_HEAD}) {
        Case each = Case.of(projections, visibility);
        cases.add(each.withMask());
        if (visibility != Visibility.CAUSAL) {
          cases.add(each.to(5));
          cases.add(each.to(5).withMask());
        }
      }
    }
    return cases.stream()
        .map(
            each ->
                DynamicTest.dynamicTest(
                    each.toString(),
                    () -> {
                      Weights weights = new Weights();
                      double[] x = Graphs.normal(7, SHAPE.size());
                      double[] found =
                          Graphs.evaluate(
                              tf ->
                                  each.build(
                                      tf,
                                      weights.constants(tf, TFloat64.class),
                                      Graphs.constant(tf, SHAPE, x)));
                      // Position 0 of the second sequence is padded: where it may see nothing
                      // else, what it gets means nothing.
                      int skipped = each.masked && each.projections == null ? N * C + C : 0;
                      double[] expected = each.naive(weights.stateDictionary(), x);
                      if (skipped != 0) {
                        Arrays.fill(expected, N * C, skipped, 0);
                        Arrays.fill(found, N * C, skipped, 0);
                      }
                      Graphs.assertClose(expected, found, 1e-12);
                    }));
  }

  @Test
  void oneHeadOfKeysAsksForOneMatrix() {
    assertEquals(
        List.of(
            "seq.0.fn.to_q.weight [6, 13] 2",
            "seq.0.fn.to_k.weight [3, 13] 1",
            "seq.0.fn.to_v.weight [3, 13] 1",
            "seq.0.fn.w_o_1.weight [11, 6] 1",
            "seq.0.fn.w_o_1.bias [11] 1",
            "seq.0.fn.w_o_2.weight [13, 11] 1",
            "seq.0.fn.w_o_2.bias [13] 1"),
        asked(Case.of(null, Visibility.ALL).oneKeyHead().withTwoMaps()));
  }

  private static List<String> asked(Case each) {
    var asked = new ArrayList<String>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      each.<TFloat64>declare(
          (Parameter parameter) -> {
            asked.add(parameter.name() + " " + parameter.shape() + " " + parameter.slices().size());
            return tf.zeros(tf.constant(parameter.shape()), TFloat64.class);
          });
    }
    return asked;
  }

  /** A window looks ahead of its first position, and a mixture of all positions at every one. */
  @Test
  void refusesToBeCausalWhereItCannotBe() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var convolution =
          new ConvolutionProjection<>(
              Graphs.constant(tf, Shape.of(1, 1, 1), 1), Graphs.constant(tf, Shape.of(1), 0), N);
      var mean = new PoolingProjection<TFloat64>(PoolingProjection.PoolKind.MEAN, N, N);
      var max = new PoolingProjection<TFloat64>(PoolingProjection.PoolKind.MAX, N, N);
      var learned = new LearnedProjection<>(Graphs.constant(tf, Shape.of(1, 1), 1), null);
      var none = new IdentityProjection<TFloat64>();
      for (SequenceProjection<TFloat64> windows : List.of(convolution, mean, max)) {
        assertRefused(tf, windows, windows);
        assertRefused(tf, windows, learned);
        assertRefused(tf, learned, windows);
        assertRefused(tf, none, windows);
      }
      assertRefused(tf, none, learned);
      assertRefused(tf, learned, none);
    }
  }

  private static void assertRefused(
      Ops tf, SequenceProjection<TFloat64> keys, SequenceProjection<TFloat64> values) {
    var spec = new AttentionSpec(C, H, D, null, false, Visibility.CAUSAL);
    var factory = new Weights().constants(tf, TFloat64.class);
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> MultiHeadAttention.declare(factory, NAME, spec, keys, values),
            () -> keys + ", " + values);
    String message = String.valueOf(error.getMessage());
    assertTrue(
        message.startsWith("MultiHeadAttention: causal needs a learned or fixed projection"),
        message);
  }

  @Test
  void refusesProjectionsOfAnotherNumberOfHeads() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var factory = new Weights().constants(tf, TFloat64.class);
      var three =
          new LearnedProjection<>(tf.zeros(tf.constant(new int[] {3, K, N}), TFloat64.class), null);
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  MultiHeadAttention.declare(
                      factory, NAME, new AttentionSpec(C, H, D), three, three));
      assertEquals(
          "MultiHeadAttention projection: axis 0 must be 2 (heads), found 3 in [3, 5, 7]",
          error.getMessage());
    }
  }
}
