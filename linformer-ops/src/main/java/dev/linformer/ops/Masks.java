package dev.linformer.ops;

import dev.linformer.ops.internal.Scalars;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/** What stands at padded positions, and what a position may see. */
public final class Masks {

  /**
   * Stands for minus infinity before a softmax; finite, so that a row of nothing else is no NaN.
   */
  private static final double FAR_BELOW = -1e30;

  /** Of larger ones the squares, or sums of products, may be infinite in float32. */
  private static final double LARGEST = 1e15;

  private Masks() {}

  /**
   * Zeros at padded positions, whatever stands there, infinities and NaN included.
   *
   * @param x [b,n,c]
   * @param mask [b,n], true at real positions; null if all are
   * @return [b,n,c]
   */
  public static <T extends TFloating> Operand<T> zeroPadding(
      Ops tf, Operand<T> x, @Nullable Operand<TBool> mask) {
    if (mask == null) {
      return x;
    }
    Operand<TBool> wide = tf.expandDims(mask, tf.constant(-1)); // [b,n,1]
    return tf.select(wide, x, Scalars.of(tf, 0, x.type())); // [b,n,c]
  }

  /**
   * Zeros at padded positions where what stands there is no number that layers can compute with: an
   * infinity, NaN, or more than {@value #LARGEST} in size. To be applied before the first layer:
   * padded positions, too, are computed, and 0·NaN, in a gradient of weights, is NaN. Other numbers
   * stay, for outputs at padded positions, which are nobody's business, may depend on them.
   *
   * @param x [b,n,c]
   * @param mask [b,n], true at real positions; null if all are
   * @return [b,n,c]
   */
  public static <T extends TFloating> Operand<T> tamePadding(
      Ops tf, Operand<T> x, @Nullable Operand<TBool> mask) {
    if (mask == null) {
      return x;
    }
    Class<T> type = x.type();
    Operand<TBool> tame =
        tf.math.less(tf.math.square(x), Scalars.of(tf, LARGEST * LARGEST, type)); // [b,n,c]
    Operand<T> numbers = tf.select(tame, x, Scalars.of(tf, 0, type)); // [b,n,c]
    return tf.select(tf.expandDims(mask, tf.constant(-1)), x, numbers); // [b,n,c]
  }

  /**
   * Takes what may not be seen out of a softmax to come.
   *
   * @param scores any shape
   * @param visible of a shape that broadcasts to it; null if all may be seen
   * @return the shape of scores
   */
  public static <T extends TFloating> Operand<T> hide(
      Ops tf, Operand<T> scores, @Nullable Operand<TBool> visible) {
    return visible == null
        ? scores
        : tf.select(visible, scores, Scalars.of(tf, FAR_BELOW, scores.type()));
  }

  /** [rows,columns], true where column ≤ row. */
  public static Operand<TBool> lowerTriangle(Ops tf, long rows, long columns) {
    return lowerTriangle(tf, rows, columns, null);
  }

  /**
   * Rows of a triangle.
   *
   * @param from number of the first row, a scalar; null for 0
   * @return [rows,columns], true where column ≤ from + row
   */
  public static Operand<TBool> lowerTriangle(
      Ops tf, long rows, long columns, @Nullable Operand<TInt64> from) {
    Operand<TInt64> row = tf.range(tf.constant(0L), tf.constant(rows), tf.constant(1L)); // [rows]
    if (from != null) {
      row = tf.math.add(row, from); // [rows]
    }
    Operand<TInt64> column =
        tf.range(tf.constant(0L), tf.constant(columns), tf.constant(1L)); // [columns]
    return tf.math.greaterEqual(
        tf.expandDims(row, tf.constant(1)), tf.expandDims(column, tf.constant(0)));
  }
}
