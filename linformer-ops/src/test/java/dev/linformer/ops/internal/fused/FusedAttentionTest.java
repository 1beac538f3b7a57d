package dev.linformer.ops.internal.fused;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradients;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradientsHaveTheInputsShapes;
import static dev.linformer.ops.internal.kernel.KernelGraphs.input;
import static dev.linformer.ops.internal.kernel.KernelGraphs.module;
import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.kernel.KernelGraphs;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** Graphs with the kernels, on a machine without a GPU: {@link AttentionKernelsTest} computes. */
class FusedAttentionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int N = 7;
  private static final int K = 5;
  private static final int P = 11;
  private static final int R = 13;

  private static boolean fits(
      Class<? extends TFloating> type, Shape x, long h, long k, long p, long r) {
    try (Graph graph = new Graph()) {
      return FusedAttention.fits(
          Ops.create(graph).placeholder(type, Placeholder.shape(x)), h, k, p, r);
    }
  }

  private static boolean fits(Class<? extends TFloating> type, long k, long p, long r) {
    return fits(type, Shape.of(B, N, p), H, k, p, r);
  }

  @Test
  void typesThatHaveKernels() {
    assertTrue(fits(TFloat32.class, K, P, R));
    assertTrue(fits(TBfloat16.class, K, P, R));
    assertFalse(fits(TFloat64.class, K, P, R));
    assertFalse(fits(TFloat16.class, K, P, R));
  }

  @Test
  void sizesThatHaveKernels() {
    assertTrue(fits(TFloat32.class, K, 64, 64));
    assertFalse(fits(TFloat32.class, K, 65, 64));
    assertFalse(fits(TFloat32.class, K, 64, 65));
    assertTrue(fits(TBfloat16.class, K, 128, 128));
    assertFalse(fits(TBfloat16.class, K, 129, 128));
    assertFalse(fits(TBfloat16.class, K, 128, 129));
    assertTrue(fits(TFloat32.class, 1 << 20, P, R));
    assertFalse(fits(TFloat32.class, (1 << 20) + 1, P, R));
    assertTrue(fits(TFloat32.class, Shape.of(13_107, N, P), 5, K, P, R)); // 65535 pairs
    assertFalse(fits(TFloat32.class, Shape.of(16_384, N, P), 4, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(0, N, P), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(B, 0, P), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(B, Integer.MAX_VALUE, P), H, K, P, R));
  }

  @ParameterizedTest
  @CsvSource({"65, 65, 65, 7", "11, 12, 12, 7", "11, 11, 11, 5"})
  void whatHasNoKernelIsRefused(long q, long key, long value, long keysOfValues) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> queries = input(tf, TFloat32.class, B, N, q);
      Operand<TFloat32> keys = input(tf, TFloat32.class, B, H, 7, key);
      Operand<TFloat32> values = input(tf, TFloat32.class, B, H, keysOfValues, value);
      String message =
          requireNonNull(
              assertThrows(
                      IllegalArgumentException.class,
                      () -> FusedAttention.call(tf, queries, keys, values, true))
                  .getMessage());
      assertTrue(message.startsWith("FusedAttention: no kernel for queries [2, 7, "), message);
    }
  }

  @Test
  void shapesThatAreNotKnown() {
    assertTrue(fits(TFloat32.class, Shape.of(B, N, P), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(-1, N, P), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(B, -1, P), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.of(B, N, -1), H, K, P, R));
    assertFalse(fits(TFloat32.class, Shape.unknown(), H, K, P, R));
  }

  /** Queries, keys and values. */
  private static <T extends TFloating> List<Operand<T>> inputs(
      Ops tf, Class<T> type, boolean oneQuery) {
    return List.of(
        input(tf, type, B, N, oneQuery ? P : H * P),
        input(tf, type, B, H, K, P),
        input(tf, type, B, H, K, R));
  }

  /** How many different modules there are. */
  private static long kernels(Graph graph) {
    return calls(graph).stream().map(KernelGraphs::module).distinct().count();
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void shapesOfOutputsAndGradients(boolean oneQuery, boolean sum) {
    for (Class<? extends TFloating> type : List.of(TFloat32.class, TBfloat16.class)) {
      shapes(type, oneQuery, sum);
    }
  }

  private static <T extends TFloating> void shapes(Class<T> type, boolean oneQuery, boolean sum) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<T>> x = inputs(tf, type, oneQuery);
      Operand<T> y = FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), sum);
      assertEquals(Shape.of(B, N, sum ? R : H * R), y.shape());
      assertEquals(type, y.type());
      assertEquals(1, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, x);
      assertEquals(3, calls(graph).size());
    }
  }

  /**
   * That of a graph whose heads are not added up has the output, and one of float32 has Kᵀ, too.
   */
  @ParameterizedTest
  @CsvSource({"false, false, 7", "false, true, 6", "true, false, 6", "true, true, 5"})
  void inputsOfTheBackwardPass(boolean sum, boolean narrow, int expected) {
    if (narrow) {
      inputsOfTheBackwardPass(TBfloat16.class, sum, expected);
    } else {
      inputsOfTheBackwardPass(TFloat32.class, sum, expected);
    }
  }

  private static <T extends TFloating> void inputsOfTheBackwardPass(
      Class<T> type, boolean sum, int expected) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<T>> x = inputs(tf, type, true);
      gradients(tf, FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), sum), x);
      List<NodeDef> calls = calls(graph);
      assertEquals(3, calls.get(0).getInputCount());
      assertEquals(expected, calls.get(1).getInputCount());
      assertEquals(6, calls.get(2).getInputCount());
    }
  }

  @ParameterizedTest
  @CsvSource({"5, 1", "127, 1", "128, 1", "129, 2", "263, 3"})
  void anyNumberOfKeys(int k, int blocks) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat32>> x =
          List.of(
              input(tf, TFloat32.class, B, N, H * P),
              input(tf, TFloat32.class, B, H, k, P),
              input(tf, TFloat32.class, B, H, k, R));
      Operand<TFloat32> y = FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), false);
      gradientsHaveTheInputsShapes(tf, y, x);
      String byKeys = module(calls(graph).get(2));
      assertTrue(byKeys.contains("grid_z = %s : i32".formatted(blocks)), byKeys);
    }
  }

  @Test
  void inARecomputedSegment() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat32>> x = inputs(tf, TFloat32.class, true);
      Operand<TFloat32> y =
          Recompute.call(
              tf,
              x,
              (inner, of) ->
                  FusedAttention.call(
                      inner, of.get(x.get(0)), of.get(x.get(1)), of.get(x.get(2)), true));
      assertEquals(1, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, x);
      assertEquals(4, calls(graph).size()); // forward, and all three in the backward pass
    }
  }

  @Test
  void inARecomputedSegmentOfParts() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat32>> x = inputs(tf, TFloat32.class, true);
      Operand<TFloat32> y =
          Recompute.parts(
              tf,
              new ChunkPlan(N, 3, 1), // 3, 3 and 1 positions
              List.of(
                  SegmentInput.along(x.get(0), 1),
                  SegmentInput.whole(x.get(1)),
                  SegmentInput.whole(x.get(2))),
              (inner, of) ->
                  FusedAttention.call(
                      inner, of.get(x.get(0)), of.get(x.get(1)), of.get(x.get(2)), true));
      assertEquals(Shape.of(B, N, R), y.shape());
      assertEquals(3, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, x);
      assertEquals(12, calls(graph).size());
      assertEquals(6, kernels(graph)); // of two lengths
    }
  }

  @Test
  void onACpuARunSaysSo() {
    try (Graph graph = new Graph()) {
      DeviceSpec cpu = DeviceSpec.newBuilder().deviceType(DeviceType.CPU).deviceIndex(0).build();
      Ops tf = Ops.create(graph).withDevice(cpu);
      List<Operand<TFloat32>> x = new ArrayList<>();
      for (Operand<TFloat32> input : inputs(tf, TFloat32.class, true)) {
        double[] values = Graphs.normal(x.size(), input.shape().size());
        x.add(Graphs.constant(tf, TFloat32.class, input.shape(), values));
      }
      Operand<TFloat32> y = FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), true);
      Operand<TFloat32> dq = gradients(tf, y, x).dy(0);
      for (Operand<TFloat32> fetched : List.of(y, dq)) {
        try (Session session = new Session(graph)) {
          var refusal =
              assertThrows(TensorFlowException.class, () -> session.runner().fetch(fetched).run());
          String message = requireNonNull(refusal.getMessage());
          assertTrue(
              message.contains(
                  "The current platform CPU is not among the platforms required by the module: [CUDA]"),
              message);
        }
      }
    }
  }

  /** A stride of one sequence, n·h·p, that no i32 holds. */
  @Test
  void longSequences() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      long n = 1L << 25;
      List<Operand<TFloat32>> x =
          List.of(
              input(tf, TFloat32.class, 1, n, 128),
              input(tf, TFloat32.class, 1, 2, K, 64),
              input(tf, TFloat32.class, 1, 2, K, 64));
      assertTrue(FusedAttention.fits(x.get(0), 2, K, 64, 64));
      Operand<TFloat32> y = FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), false);
      gradientsHaveTheInputsShapes(tf, y, x);
      assertEquals(3, calls(graph).size());
    }
  }
}
