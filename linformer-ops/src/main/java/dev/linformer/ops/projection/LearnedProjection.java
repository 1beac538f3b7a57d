package dev.linformer.ops.projection;

import dev.linformer.ops.Shapes;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The learned projection of the paper (its E or F, section 4): y = E·x + bias·1ᵀ on the sequence
 * axis. The bias has one value a row, the same for all channels.
 *
 * @param weight E [k,n], or [h,k,n] if every head has its own
 * @param bias [k] or [h,k]
 */
public record LearnedProjection<T extends TFloating>(Operand<T> weight, Operand<T> bias) {

  /** Whether every head has its own E. */
  public boolean perHead() {
    return weight.shape().numDimensions() == 3;
  }

  /** k. */
  public long projectedLength() {
    return weight.shape().get(weight.shape().numDimensions() - 2);
  }

  /**
   * E·x, without the bias: a sum over positions commutes with any map of the channels, so this may
   * stand before keys and values are made; the bias may not.
   *
   * @param x [b,n,c], or [b,h,n,d] if every head has its own E
   * @return [b,k,c] or [b,h,k,d]
   * @throws IllegalArgumentException if x is of another rank or length
   */
  public Operand<T> compress(Ops tf, Operand<T> x) {
    int rank = perHead() ? 4 : 3;
    Shapes.requireRank("LearnedProjection", x, rank);
    long n = weight.shape().get(rank - 2);
    Shapes.requireAxis("LearnedProjection", x, rank - 2, n, "sequence length");
    return tf.train.batchMatMul(weight, x, x.type()); // [b,k,c] or [b,h,k,d]
  }

  /**
   * Adds the bias of each row.
   *
   * @param y [b,h,k,d]
   * @return [b,h,k,d]
   */
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return tf.math.add(y, tf.expandDims(bias, tf.constant(-1))); // [k,1] or [h,k,1] on [b,h,k,d]
  }
}
