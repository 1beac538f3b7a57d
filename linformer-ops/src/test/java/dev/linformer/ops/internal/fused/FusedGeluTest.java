package dev.linformer.ops.internal.fused;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.gradientsHaveTheInputsShapes;
import static dev.linformer.ops.internal.kernel.KernelGraphs.input;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** The kernels in a graph; what they compute is in GeluKernelsTest. */
class FusedGeluTest {

  private static final int ROWS = 37;
  private static final int F = 13;

  private static <T extends TFloating> void shapes(Class<T> type, boolean biased) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<T> a = input(tf, type, ROWS, F);
      Operand<T> d = input(tf, type, F);
      Operand<T> y = FusedGelu.call(tf, a, biased ? d : null);
      assertEquals(Shape.of(ROWS, F), y.shape());
      assertEquals(type, y.type());
      assertEquals(1, calls(graph).size());
      gradientsHaveTheInputsShapes(tf, y, biased ? List.of(a, d) : List.of(a));
      assertEquals(2, calls(graph).size());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shapesOfOutputsAndGradients(boolean biased) {
    shapes(TFloat32.class, biased);
    shapes(TBfloat16.class, biased);
  }

  @Test
  void fits() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      assertTrue(FusedGelu.fits(input(tf, TFloat32.class, ROWS, F)));
      assertFalse(FusedGelu.fits(input(tf, TFloat64.class, ROWS, F)));
      assertFalse(FusedGelu.fits(input(tf, TFloat32.class, -1, F)));
      assertFalse(FusedGelu.fits(input(tf, TFloat32.class, 2, ROWS, F)));
      assertFalse(FusedGelu.fits(input(tf, TFloat32.class, ROWS, (1 << 20) + 1)));
      assertFalse(FusedGelu.fits(input(tf, TFloat32.class, 1L << 31, 1)));
    }
  }

  @Test
  void refusesWhatDoesNotGoTogether() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> a = input(tf, TFloat32.class, ROWS, F);
      Operand<TFloat32> d = input(tf, TFloat32.class, F + 1);
      var e = assertThrows(IllegalArgumentException.class, () -> FusedGelu.call(tf, a, d));
      assertEquals(
          "FusedGelu: no kernel for [37, 13] of TFloat32 and a bias of [14]", e.getMessage());
    }
  }
}
