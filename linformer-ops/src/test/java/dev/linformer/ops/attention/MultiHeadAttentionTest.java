package dev.linformer.ops.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Naive;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.Weights;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class MultiHeadAttentionTest {

  private static final int B = 2;
  private static final int N = 7;
  private static final int C = 13;
  private static final int D = 11;
  private static final int H = 3;
  private static final int K = 5;
  private static final Shape SHAPE = Shape.of(B, N, C);
  private static final double RATE = 0.3;

  /** Attention under {@code seq.0.fn}. */
  private record Case(Projections projections, int h, int k) implements LayerContract.Layer {

    <T extends TFloating> MultiHeadAttention<T> declare(ParameterFactory<T> parameters) {
      var ef = projections.declare(parameters, "seq.0.fn", h, k, N);
      return MultiHeadAttention.declare(
          parameters, "seq.0.fn", new AttentionSpec(C, h, D), ef.get(0), ef.get(1));
    }

    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return declare(parameters).call(tf, x, RATE, null);
    }
  }

  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(
            new Case(Projections.ONE, H, K),
            new Case(Projections.TWO, H, K),
            new Case(Projections.PER_HEAD, H, K),
            new Case(Projections.PER_HEAD_ONE, H, K),
            new Case(Projections.MIXED, H, K),
            new Case(Projections.TWO, 1, K),
            new Case(Projections.PER_HEAD, 1, K),
            new Case(Projections.TWO, H, N),
            new Case(Projections.PER_HEAD, H, N),
            new Case(Projections.TWO, H, 1))
        .flatMap(
            layer ->
                LayerContract.tests(
                    layer.toString(),
                    layer,
                    SHAPE,
                    (w, x) ->
                        Naive.multiHeadAttention(w, "seq.0.fn", x, B, N, C, layer.h, D, layer.k)));
  }

  /** Two heads of width 1 on two channels, Q = 0, so that every position sees the mean of V'. */
  @Test
  void byHand() {
    double[] y =
        Graphs.evaluate(
            tf -> {
              var identity = new Dense<>(Graphs.constant(tf, Shape.of(2, 2), 1, 0, 0, 1), null);
              var zero = new Dense<>(Graphs.constant(tf, Shape.of(2, 2), 0, 0, 0, 0), null);
              var projection =
                  new LearnedProjection<>(
                      Graphs.constant(tf, Shape.of(2, 3), 1, 0, 2, 0, 3, 0),
                      Graphs.constant(tf, Shape.of(2), 10, 20));
              var output =
                  new Dense<>(
                      Graphs.constant(tf, Shape.of(2, 2), 1, 2, 3, -1),
                      Graphs.constant(tf, Shape.of(2), 100, 200));
              return new MultiHeadAttention<>(
                      new MultiHeadWeights<>(
                          1,
                          zero,
                          identity,
                          identity,
                          projection,
                          projection,
                          List.of(output),
                          Visibility.ALL,
                          null,
                          Backend.PORTABLE))
                  .call(tf, Graphs.constant(tf, Shape.of(1, 3, 2), 1, 2, 3, 4, 5, 6), 0, null);
            });
    // V' = (21, 24), (29, 32); mean (25, 28); (25 + 56 + 100, 75 - 28 + 200).
    Graphs.assertClose(new double[] {181, 247, 181, 247, 181, 247}, y, 1e-15);
  }

  @ParameterizedTest
  @EnumSource
  void dropoutComesAfterTheSoftmaxAndAtTheEnd(Projections projections) {
    var layer = new Case(projections, H, K);
    var weights = new Weights();
    double[] x = Graphs.normal(7, SHAPE.size());
    double[] y =
        Graphs.evaluate(
            tf ->
                layer
                    .declare(weights.constants(tf, TFloat64.class))
                    .call(tf, Graphs.constant(tf, SHAPE, x), RATE, key(tf)));
    double[] keep = mask(Shape.of(B, H, N, K), 0);
    double[] last = mask(SHAPE, 1);
    Graphs.assertClose(
        Naive.multiHeadAttention(
            weights.stateDictionary(), "seq.0.fn", x, B, N, C, H, D, K, keep, last),
        y,
        1e-12);
  }

  /** The mask is a function of the key, so the difference quotient sees the same one every time. */
  @ParameterizedTest
  @EnumSource
  void gradientsWithDropout(Projections projections) {
    var layer = new Case(projections, H, K);
    var weights = new Weights();
    try (Graph graph = new Graph()) {
      layer.declare(weights.constants(Ops.create(graph), TFloat64.class));
    }
    var inputs = new ArrayList<>(weights.inputs());
    inputs.add(new GradientCheck.Input("x", SHAPE, Graphs.normal(7, SHAPE.size())));
    GradientCheck.check(
        inputs,
        (tf, in) ->
            layer.declare(weights.operands(in)).call(tf, in.get(in.size() - 1), RATE, key(tf)));
  }

  @ParameterizedTest
  @EnumSource
  void outsideTrainingNoOperationIsAddedForDropout(Projections projections) {
    int plain = operations(projections, 0, false);
    assertEquals(plain, operations(projections, RATE, false));
    assertEquals(plain, operations(projections, 0, true));
  }

  @Test
  void declaresOneMatrixForAllHeads() {
    var asked = new ArrayList<Parameter>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var projection =
          new LearnedProjection<>(
              tf.zeros(tf.constant(new int[] {K, N}), TFloat32.class),
              tf.zeros(tf.constant(new int[] {K}), TFloat32.class));
      MultiHeadAttention.declare(
          parameter -> {
            asked.add(parameter);
            return tf.zeros(tf.constant(parameter.shape()), TFloat32.class);
          },
          "seq.0.fn",
          new AttentionSpec(16, 2, D),
          projection,
          projection);
    }
    var quarter = Initialization.linear(16);
    Shape all = Shape.of(2 * D, 16);
    assertEquals(
        List.of(
            Parameter.sliced("seq.0.fn.to_q.weight", all, quarter, heads("to_q")),
            Parameter.sliced("seq.0.fn.to_k.weight", all, quarter, heads("to_k")),
            Parameter.sliced("seq.0.fn.to_v.weight", all, quarter, heads("to_v")),
            new Parameter("seq.0.fn.w_o.weight", Shape.of(16, 2 * D), Initialization.linear(2 * D)),
            new Parameter("seq.0.fn.w_o.bias", Shape.of(16), Initialization.linear(2 * D))),
        asked);
  }

  @Test
  void refusesInputOfAnotherShape() {
    assertEquals(
        "MultiHeadAttention: 3 axes expected, found 2 in [7, 13]", refused(Projections.ONE, N, C));
    assertEquals(
        "MultiHeadAttention: axis 2 must be 13 (channels), found 11 in [2, 7, 11]",
        refused(Projections.ONE, B, N, D));
    assertEquals(
        "LearnedProjection: axis 1 must be at most 7 (sequence length), found 11 in [2, 11, 13]",
        refused(Projections.ONE, B, D, C));
    assertEquals(
        "LearnedProjection: axis 1 must be at most 7 (sequence length), found 11 in [2, 11, 13]",
        refused(Projections.PER_HEAD, B, D, C));
  }

  private static String refused(Projections projections, long... sizes) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var attention =
          new Case(projections, H, K).declare(new Weights().constants(tf, TFloat64.class));
      var x = tf.zeros(tf.constant(sizes), TFloat64.class);
      var error =
          assertThrows(IllegalArgumentException.class, () -> attention.call(tf, x, 0, null));
      return String.valueOf(error.getMessage());
    }
  }

  private static List<String> heads(String name) {
    return List.of("seq.0.fn." + name + ".0.weight", "seq.0.fn." + name + ".1.weight");
  }

  private static int operations(Projections projections, double rate, boolean training) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var key = key(tf);
      new Case(projections, H, K)
          .declare(new Weights().constants(tf, TFloat64.class))
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
