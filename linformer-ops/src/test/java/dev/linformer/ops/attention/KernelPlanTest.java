package dev.linformer.ops.attention;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradientsHaveTheInputsShapes;
import static dev.linformer.ops.internal.kernel.KernelGraphs.operations;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Backend;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.Weights;
import dev.linformer.ops.internal.attention.ContractionPlan;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** Where an attention is one kernel, and that it is one there. */
class KernelPlanTest {

  private static final int B = 2;
  private static final int N = 7;
  private static final int C = 13;
  private static final int H = 3;
  private static final int D = 11;
  private static final int K = 5;

  /** An attention that may have kernels. */
  private static <T extends TFloating> MultiHeadAttention<T> attention(
      Ops tf, Class<T> type, Projections projections, AttentionSpec spec) {
    var parameters = new Weights().constants(tf, type).on(Backend.GPU_KERNELS);
    var ef = projections.declare(parameters, "fn", spec.heads(), K, N);
    return MultiHeadAttention.declare(parameters, "fn", spec, ef.get(0), ef.get(1));
  }

  private static AttentionSpec spec(Visibility visibility) {
    return new AttentionSpec(C, H, D, null, false, visibility);
  }

  private static <T extends TFloating> Operand<T> input(Ops tf, Class<T> type, long b, long c) {
    return tf.placeholder(type, Placeholder.shape(Shape.of(b, N, c)));
  }

  private static Operand<TBool> mask(Ops tf) {
    return tf.placeholder(TBool.class, Placeholder.shape(Shape.of(B, N)));
  }

  private static RandomKey key(Ops tf) {
    return new RandomKey(tf.constant(new long[] {3, 4}));
  }

  private static <T extends TFloating> boolean chosen(Class<T> type, long b, AttentionSpec spec) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<T> x = input(tf, type, b, spec.channels());
      return attention(tf, type, Projections.TWO, spec)
          .weights()
          .steps()
          .plan(x, x, null, 0, null)
          .kernel();
    }
  }

  @Test
  void typesAndSizes() {
    AttentionSpec all = spec(Visibility.ALL);
    assertTrue(chosen(TFloat32.class, B, all));
    assertTrue(chosen(TBfloat16.class, B, all));
    assertFalse(chosen(TFloat64.class, B, all));
    assertFalse(chosen(TFloat32.class, Shape.UNKNOWN_SIZE, all));
    var wide = new AttentionSpec(71, H, 67);
    assertFalse(chosen(TFloat32.class, B, wide));
    assertTrue(chosen(TBfloat16.class, B, wide));
  }

  @Test
  void everyPositionSeesAll() {
    assertFalse(chosen(TFloat32.class, B, spec(Visibility.CAUSAL)));
    for (Visibility visibility : Visibility.values()) {
      assertEquals(visibility == Visibility.ALL, chosen(TFloat32.class, B, spec(visibility)));
    }
  }

  @Test
  void nothingIsDropped() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, C);
      var attention = attention(tf, TFloat32.class, Projections.TWO, spec(Visibility.ALL));
      assertFalse(attention.weights().steps().plan(x, x, null, 0.3, key(tf)).kernel());
      assertTrue(attention.weights().steps().plan(x, x, null, 0.3, null).kernel());
      assertTrue(attention.weights().steps().plan(x, x, null, 0, key(tf)).kernel());
    }
  }

  @Test
  void masksHideOnlyWhatIsNotCompressed() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, C);
      var attention = attention(tf, TFloat32.class, Projections.TWO, spec(Visibility.ALL));
      assertTrue(attention.weights().steps().plan(x, x, mask(tf), 0, null).kernel());
      SequenceProjection<TFloat32> none = new IdentityProjection<>();
      var whole =
          MultiHeadAttention.declare(
              new Weights().constants(tf, TFloat32.class).on(Backend.GPU_KERNELS),
              "fn",
              spec(Visibility.ALL),
              none,
              none);
      assertFalse(whole.weights().steps().plan(x, x, mask(tf), 0, null).kernel());
      assertTrue(whole.weights().steps().plan(x, x, null, 0, null).kernel());
      builds(graph, tf, whole, x);
    }
  }

  @Test
  void onlyWhereTheyAreAskedFor() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, C);
      var parameters = new Weights().constants(tf, TFloat32.class);
      var ef = Projections.TWO.declare(parameters, "fn", H, K, N);
      var attention =
          MultiHeadAttention.declare(parameters, "fn", spec(Visibility.ALL), ef.get(0), ef.get(1));
      ContractionPlan plan = attention.weights().steps().plan(x, x, null, 0, null);
      assertFalse(plan.kernel());
      assertFalse(plan.toString().contains("kernel"), plan.toString());
      attention.call(tf, x, 0, null);
      assertEquals(0, calls(graph).size());
      assertEquals(1, operations(graph, "Softmax").size());
      var parametersOfKernels = parameters.on(Backend.GPU_KERNELS);
      var inKernels =
          MultiHeadAttention.declare(
              parametersOfKernels, "fn", spec(Visibility.ALL), ef.get(0), ef.get(1));
      ContractionPlan same = inKernels.weights().steps().plan(x, x, null, 0, null);
      assertEquals(plan + ", in one kernel", same.toString());
    }
  }

  @Test
  void aForcedPlanIsTaken() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf, TFloat32.class, B, C);
      var attention = attention(tf, TFloat32.class, Projections.TWO, spec(Visibility.ALL));
      var plain = new ContractionPlan(false, true, false);
      MultiHeadWeights<TFloat32> forced = attention.weights().withPlan(plain);
      assertEquals(plain, forced.steps().plan(x, x, null, 0, null));
      new MultiHeadAttention<>(forced).call(tf, x, 0, null);
      assertEquals(0, calls(graph).size());
      assertEquals(1, operations(graph, "Softmax").size());
    }
  }

  /** The graph has one call forward and two backward, and each weight has a gradient. */
  private static <T extends TFloating> void builds(
      Graph graph, Ops tf, MultiHeadAttention<T> attention, Operand<T> x) {
    Operand<T> y = attention.call(tf, x, 0, null);
    assertEquals(x.shape(), y.shape());
    assertEquals(1, calls(graph).size());
    List<Operand<T>> targets = new ArrayList<>(List.of(x));
    attention.map(
        weight -> {
          if (!targets.contains(weight)) { // E may be F
            targets.add(weight);
          }
          return weight;
        });
    gradientsHaveTheInputsShapes(tf, y, targets);
    assertEquals(3, calls(graph).size());
    assertEquals(0, operations(graph, "Softmax").size());
  }

  static Stream<Arguments> cases() {
    return Stream.of(Projections.values())
        .flatMap(
            projections ->
                Stream.of(false, true).map(oneHead -> Arguments.of(projections, oneHead)));
  }

  /** In every order, with every projection. */
  @ParameterizedTest
  @MethodSource("cases")
  void graphsAndGradients(Projections projections, boolean oneKeyValueHead) {
    for (int i = 0; i < 8; i++) {
      var plan = new ContractionPlan((i & 1) > 0, (i & 2) > 0, (i & 4) > 0, true);
      graphsAndGradients(TFloat32.class, projections, oneKeyValueHead, plan);
    }
    var plan = new ContractionPlan(true, true, true, true);
    graphsAndGradients(TBfloat16.class, projections, oneKeyValueHead, plan);
  }

  private static <T extends TFloating> void graphsAndGradients(
      Class<T> type, Projections projections, boolean oneKeyValueHead, ContractionPlan plan) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var spec = new AttentionSpec(C, H, D, 17, oneKeyValueHead, Visibility.ALL);
      var forced = attention(tf, type, projections, spec).weights().withPlan(plan);
      builds(graph, tf, new MultiHeadAttention<>(forced), input(tf, type, B, C));
    }
  }
}
