package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.linformer.model.Values;
import dev.linformer.ops.Graphs;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/** Of (2, 3) and (6): their common norm is 7. */
class GradientClippingTest {

  private static List<double[]> clip(double limit, double scale) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat64>> gradients =
          List.of(
              Graphs.constant(tf, Shape.of(2), 2 * scale, 3 * scale),
              Graphs.constant(tf, Shape.of(1, 1), 6 * scale));
      var clipped = GradientClipping.byGlobalNorm(tf, gradients, limit);
      List<Operand<TFloat64>> all = new ArrayList<>(clipped.gradients());
      all.add(clipped.norm());
      return Values.evaluate(graph, all);
    }
  }

  @Test
  void upToTheLimitNothingChanges() {
    for (double limit : new double[] {7, 7.5, 1e9}) {
      List<double[]> found = clip(limit, 1);
      assertArrayEquals(new double[] {2, 3}, found.get(0));
      assertArrayEquals(new double[] {6}, found.get(1));
      assertEquals(7, found.get(2)[0]);
    }
  }

  @Test
  void aboveTheLimitTheNormIsTheLimit() {
    List<double[]> found = clip(3.5, 1);
    assertArrayEquals(new double[] {1, 1.5}, found.get(0), 1e-15);
    assertArrayEquals(new double[] {3}, found.get(1), 1e-15);
    assertEquals(7, found.get(2)[0], "the norm is the one before");
  }

  @Test
  void whereTheNormIsNoNumberAllAreZero() {
    for (double scale : new double[] {Double.NaN, Double.POSITIVE_INFINITY, 1e200}) {
      List<double[]> found = clip(1, scale);
      assertArrayEquals(new double[2], found.get(0));
      assertArrayEquals(new double[1], found.get(1));
      assertFalse(Double.isFinite(found.get(2)[0]));
    }
  }

  /** Such as the loss. */
  @Test
  void whereSomethingElseIsNoNumberAllAreZero() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat64>> gradients = List.of(Graphs.constant(tf, Shape.of(2), 2, 3));
      var clipped = GradientClipping.byGlobalNorm(tf, gradients, 1, tf.constant(false));
      assertArrayEquals(new double[2], Values.evaluate(graph, clipped.gradients()).get(0));
    }
  }

  @Test
  void zerosStayZeros() {
    List<double[]> found = clip(1, 0);
    assertArrayEquals(new double[2], found.get(0));
    assertArrayEquals(new double[1], found.get(1));
  }
}
