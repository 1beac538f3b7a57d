package dev.linformer.ops.internal;

import java.util.Arrays;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Sum;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.family.TFloating;

/** Means over axes. */
public final class Averages {

  private Averages() {}

  /**
   * The mean over some axes, whose sizes are known. TensorFlow's gradient of Mean counts all values
   * in 32 bits: of more than {@link Integer#MAX_VALUE} it fails, or crashes the process. Of so many
   * it is a sum and a division.
   *
   * @param x any shape
   * @param keepDims whether the axes stay, with size 1
   */
  public static <T extends TFloating> Operand<T> over(
      Ops tf, Operand<T> x, boolean keepDims, int... axes) {
    return over(tf, x, keepDims, Integer.MAX_VALUE, axes);
  }

  static <T extends TFloating> Operand<T> over(
      Ops tf, Operand<T> x, boolean keepDims, long most, int... axes) {
    Shape shape = x.shape();
    if (shape.hasUnknownDimension() || shape.size() <= most) {
      return axes.length == 1
          ? tf.math.mean(x, tf.constant(axes[0]), Mean.keepDims(keepDims))
          : tf.math.mean(x, tf.constant(axes), Mean.keepDims(keepDims));
    }
    Operand<T> sum = tf.sum(x, tf.constant(axes), Sum.keepDims(keepDims));
    double count = Arrays.stream(axes).mapToDouble(shape::get).reduce(1, (a, b) -> a * b);
    return tf.math.div(sum, Scalars.of(tf, count, x.type()));
  }
}
