package dev.linformer.ops.projection;

import dev.linformer.ops.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The projection of the paper (its E or F, section 4): y = E·x + bias·1ᵀ on the sequence axis. The
 * bias has one value a row, the same for all channels. A fixed random E is the same thing with a
 * weight that isn't trained, and no bias.
 *
 * @param weight E [k,n], or [h,k,n] if every head has its own
 * @param bias [k] or [h,k], or null
 */
public record LearnedProjection<T extends TFloating>(Operand<T> weight, @Nullable Operand<T> bias)
    implements SequenceProjection<T> {

  /** Whether every head has its own E. */
  public boolean perHead() {
    return weight.shape().numDimensions() == 3;
  }

  @Override
  public boolean beforeHeads() {
    return !perHead();
  }

  /** k. */
  public long projectedLength() {
    return weight.shape().get(weight.shape().numDimensions() - 2);
  }

  /** n. */
  public long sequenceLength() {
    return weight.shape().get(weight.shape().numDimensions() - 1);
  }

  /** E·x; for a shorter x with the first columns of E. */
  @Override
  public Operand<T> compress(Ops tf, Operand<T> x) {
    int rank = perHead() ? 4 : 3;
    Shapes.requireRank("LearnedProjection", x, rank);
    Shapes.requireAtMost("LearnedProjection", x, rank - 2, sequenceLength(), "sequence length");
    return tf.train.batchMatMul(
        columns(tf, 0, x.shape().get(rank - 2)), x, x.type()); // [b,k,c] or [b,h,k,d]
  }

  /** The columns of E from one position on: [k,length] or [h,k,length]. */
  public Operand<T> columns(Ops tf, long from, long length) {
    return from == 0 && length == sequenceLength()
        ? weight
        : Shapes.slice(tf, weight, weight.shape().numDimensions() - 1, from, length);
  }

  @Override
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return bias == null
        ? y
        : tf.math.add(y, tf.expandDims(bias, tf.constant(-1))); // [k,1] or [h,k,1] on [b,h,k,d]
  }
}
