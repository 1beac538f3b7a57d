package dev.linformer.ops;

import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Dropout whose mask is a pure function of a key: y = x·m/(1 − rate), m = 1 with probability 1 −
 * rate.
 */
public final class Dropout {

  private Dropout() {}

  /**
   * @param x any shape
   * @param rate share of values set to zero, in [0,1)
   * @param key null outside training: then, and at rate 0, no operation is added
   * @return the shape of x
   * @throws IllegalArgumentException if the rate is out of its range
   */
  public static <T extends TFloating> Operand<T> apply(
      Ops tf, Operand<T> x, double rate, @Nullable RandomKey key) {
    if (!(rate >= 0 && rate < 1)) {
      throw new IllegalArgumentException("Dropout: rate in [0,1) expected, found " + rate);
    }
    if (key == null || rate == 0) {
      return x;
    }
    Operand<TFloat32> uniform =
        tf.random.statelessRandomUniform(
            tf.shape(x), key.statelessSeed(tf), TFloat32.class); // [0,1)
    Operand<T> keep =
        tf.dtypes.cast(tf.math.greaterEqual(uniform, tf.constant((float) rate)), x.type());
    return tf.math.mul(tf.math.mul(x, Scalars.of(tf, 1 / (1 - rate), x.type())), keep);
  }
}
