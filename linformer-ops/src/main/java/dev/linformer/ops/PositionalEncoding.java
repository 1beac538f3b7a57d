package dev.linformer.ops;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/** Positions as sines and cosines, as linformer-pytorch has them. */
public final class PositionalEncoding {

  /** 10,000 in "Attention Is All You Need"; ten times that suits longer sequences. */
  private static final double BASE = 100_000;

  private PositionalEncoding() {}

  /**
   * Row t is [sin(t·ω_0) … sin(t·ω_{c/2−1}), cos(t·ω_0) … cos(t·ω_{c/2−1})] with ω_i =
   * 100000^(−2i/c).
   *
   * @param length n
   * @param channels c, even
   * @return [n,c], made in the graph and not stored with it
   * @throws IllegalArgumentException if c is odd
   */
  public static <T extends TFloating> Operand<T> sinusoid(
      Ops tf, long length, int channels, Class<T> type) {
    Operand<TInt64> positions =
        tf.range(tf.constant(0L), tf.constant(length), tf.constant(1L)); // [n]
    return sinusoid(tf, positions, channels, type); // [n,c]
  }

  /**
   * The rows of some positions.
   *
   * @param positions [n], counted from 0
   * @param channels c, even
   * @return [n,c]
   * @throws IllegalArgumentException if c is odd
   */
  public static <T extends TFloating> Operand<T> sinusoid(
      Ops tf, Operand<TInt64> positions, int channels, Class<T> type) {
    if (channels % 2 != 0) {
      throw new IllegalArgumentException(
          "PositionalEncoding: an even number of channels expected, found " + channels);
    }
    double[] frequencies = new double[channels / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(BASE, -2.0 * i / channels);
    }
    Operand<T> column = tf.expandDims(tf.dtypes.cast(positions, type), tf.constant(1)); // [n,1]
    Operand<T> angles =
        tf.math.mul(column, tf.dtypes.cast(tf.constant(frequencies), type)); // [n,c/2]
    return tf.concat(List.of(tf.math.sin(angles), tf.math.cos(angles)), tf.constant(1)); // [n,c]
  }
}
