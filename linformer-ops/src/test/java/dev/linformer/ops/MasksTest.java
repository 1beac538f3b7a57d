package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;

class MasksTest {

  private static final double[] ANYTHING = {
    1, 2, Double.NaN, 3, -4, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN, 5, -6
  };

  private static Operand<TBool> mask(Ops tf) {
    return tf.reshape(
        tf.constant(new boolean[] {true, false, false, false, true}),
        tf.constant(new int[] {1, 5}));
  }

  @Test
  void whateverStandsAtPaddedPositionsBecomesZero() {
    double[] y =
        Graphs.evaluate(
            tf ->
                Masks.zeroPadding(tf, Graphs.constant(tf, Shape.of(1, 5, 2), ANYTHING), mask(tf)));
    assertArrayEquals(new double[] {1, 2, 0, 0, 0, 0, 0, 0, 5, -6}, y);
  }

  /** Of the square, so that what stands there would be a factor. */
  @Test
  void noGradientReachesPaddedPositions() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = Graphs.constant(tf, Shape.of(1, 5, 2), ANYTHING);
      var square = tf.math.square(Masks.zeroPadding(tf, x, mask(tf)));
      var sum = tf.sum(square, tf.constant(new int[] {0, 1, 2}));
      Operand<TFloat64> gradient = tf.gradients(sum, List.of(x)).dy(0);
      assertArrayEquals(
          new double[] {2, 4, 0, 0, 0, 0, 0, 0, 10, -12}, Graphs.evaluate(graph, gradient));
    }
  }

  /** Numbers stay, at real positions everything does. */
  @Test
  void whatCannotBeComputedWithBecomesZero() {
    double[] given = {1, 1e30, Double.NaN, 3, -4, -1e16, Double.NEGATIVE_INFINITY, 1e14, 5, 1e30};
    double[] y =
        Graphs.evaluate(
            tf -> Masks.tamePadding(tf, Graphs.constant(tf, Shape.of(1, 5, 2), given), mask(tf)));
    assertArrayEquals(new double[] {1, 1e30, 0, 3, -4, 0, 0, 1e14, 5, 1e30}, y);
  }

  @Test
  void withoutAMaskNothingIsAdded() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = Graphs.constant(tf, Shape.of(1, 5, 2), ANYTHING);
      assertSame(x, Masks.zeroPadding(tf, x, null));
      assertSame(x, Masks.tamePadding(tf, x, null));
      assertSame(x, Masks.hide(tf, x, null));
    }
  }

  /** A softmax gives what is hidden exactly nothing, also beside large negative scores. */
  @Test
  void whatIsHiddenGetsNoShare() {
    double[] y =
        Graphs.evaluate(
            tf -> {
              var scores = Graphs.constant(tf, Shape.of(2, 3), -1e6, 1e6, -1e6, 7, 7, 7);
              var visible = tf.constant(new boolean[] {true, false, true});
              return tf.nn.softmax(Masks.hide(tf, scores, visible));
            });
    assertArrayEquals(new double[] {0.5, 0, 0.5, 0.5, 0, 0.5}, y);
  }

  @Test
  void aRowOfNothingVisibleIsNoNaN() {
    double[] y =
        Graphs.evaluate(
            tf ->
                tf.nn.softmax(
                    Masks.hide(
                        tf,
                        Graphs.constant(tf, Shape.of(1, 2), 3, 5),
                        tf.constant(new boolean[] {false, false}))));
    assertArrayEquals(new double[] {0.5, 0.5}, y);
  }

  @Test
  void noGradientReachesWhatIsHidden() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> scores = Graphs.constant(tf, Shape.of(1, 3), 1, Double.NaN, 2);
      var shares =
          tf.nn.softmax(Masks.hide(tf, scores, tf.constant(new boolean[] {true, false, true})));
      var sum =
          tf.sum(
              tf.math.mul(shares, Graphs.constant(tf, Shape.of(1, 3), 1, 2, 3)),
              tf.constant(new int[] {0, 1}));
      Operand<TFloat64> gradient = tf.gradients(sum, List.of(scores)).dy(0);
      double share = 1 / (1 + Math.E);
      double slope = 2 * share * (1 - share);
      Graphs.assertClose(new double[] {-slope, 0, slope}, Graphs.evaluate(graph, gradient), 1e-15);
    }
  }

  @Test
  void lowerTriangleWithItsDiagonal() {
    assertArrayEquals(
        new double[] {1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0},
        Graphs.evaluate(tf -> Masks.lowerTriangle(tf, 3, 5)));
    assertArrayEquals(
        new double[] {1, 0, 1, 1, 1, 1}, Graphs.evaluate(tf -> Masks.lowerTriangle(tf, 3, 2)));
    double[] column = new double[7];
    Arrays.fill(column, 1);
    assertArrayEquals(column, Graphs.evaluate(tf -> Masks.lowerTriangle(tf, 7, 1)));
  }
}
