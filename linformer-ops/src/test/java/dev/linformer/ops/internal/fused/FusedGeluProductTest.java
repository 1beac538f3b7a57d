package dev.linformer.ops.internal.fused;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradientsHaveTheInputsShapes;
import static dev.linformer.ops.internal.kernel.KernelGraphs.input;
import static dev.linformer.ops.internal.kernel.KernelGraphs.operations;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Activation;
import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.FeedForward;
import dev.linformer.ops.RandomKey;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** The kernel in a graph; what it computes is in GeluProductKernelTest. */
class FusedGeluProductTest {

  private static final int ROWS = 37;
  private static final int C = 24;
  private static final int F = 13;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shapesOfOutputAndGradients(boolean biased) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> x = input(tf, TBfloat16.class, ROWS, C);
      Operand<TBfloat16> weight = input(tf, TBfloat16.class, F, C);
      Operand<TBfloat16> d = input(tf, TBfloat16.class, F);
      Operand<TBfloat16> y = FusedGeluProduct.call(tf, x, weight, biased ? d : null);
      assertEquals(Shape.of(ROWS, F), y.shape());
      assertEquals(TBfloat16.class, y.type());
      assertEquals(1, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, biased ? List.of(x, weight, d) : List.of(x, weight));
      assertEquals(2, calls(graph).size()); // and GELU's gradient
      assertEquals(3, operations(graph, "MatMul").size()); // the product again, and its gradients
    }
  }

  @Test
  void fits() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> weight = input(tf, TBfloat16.class, F, C);
      assertTrue(FusedGeluProduct.fits(input(tf, TBfloat16.class, ROWS, C), weight));
      assertFalse(FusedGeluProduct.fits(input(tf, TFloat32.class, ROWS, C), weight));
      assertFalse(FusedGeluProduct.fits(input(tf, TBfloat16.class, -1, C), weight));
      assertFalse(FusedGeluProduct.fits(input(tf, TBfloat16.class, 2, ROWS, C), weight));
      assertFalse(FusedGeluProduct.fits(input(tf, TBfloat16.class, ROWS, 1_537), weight));
      assertFalse(FusedGeluProduct.fits(input(tf, TBfloat16.class, (1L << 29) + 1, 1), weight));
    }
  }

  @Test
  void refusesWhatDoesNotGoTogether() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> x = input(tf, TBfloat16.class, ROWS, C);
      Operand<TBfloat16> weight = input(tf, TBfloat16.class, F, C + 1);
      var e =
          assertThrows(
              IllegalArgumentException.class, () -> FusedGeluProduct.call(tf, x, weight, null));
      assertEquals(
          "FusedGeluProduct: no kernel for [37, 24] of TBfloat16, a weight of [13, 25] and a bias of null",
          e.getMessage());
    }
  }

  /** Outside training, in bfloat16, a feed-forward layer's first map and GELU are one kernel. */
  @Test
  void feedForwardHasIt() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      FeedForward<TBfloat16> layer =
          new FeedForward<>(
              new Dense<>(input(tf, TBfloat16.class, F, C), input(tf, TBfloat16.class, F)),
              new Dense<>(input(tf, TBfloat16.class, C, F), null),
              Activation.GELU,
              Backend.GPU_KERNELS);
      Operand<TBfloat16> x = input(tf, TBfloat16.class, 1, ROWS, C);
      assertEquals(Shape.of(1, ROWS, C), layer.call(tf, x, 0, null).shape());
      assertEquals(1, operations(graph, "MatMul").size());
      assertEquals(1, calls(graph).size());
      layer.call(tf, x, 0, new RandomKey(tf.constant(new long[] {1, 2})));
      assertEquals(3, operations(graph, "MatMul").size());
      assertEquals(2, calls(graph).size());
    }
  }
}
