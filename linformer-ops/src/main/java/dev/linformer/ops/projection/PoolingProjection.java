package dev.linformer.ops.projection;

import dev.linformer.ops.internal.Averages;
import dev.linformer.ops.internal.Shapes;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * Mean or maximum over windows of n/k positions, one of the paper's general projections (section
 * 4).
 *
 * @param kind what is made of a window
 * @param sequenceLength n
 * @param projectedLength k, a divisor of n
 */
public record PoolingProjection<T extends TFloating>(
    PoolKind kind, long sequenceLength, long projectedLength) implements SequenceProjection<T> {

  /** What is made of a window. */
  public enum PoolKind {
    /** The mean, a weighted sum. */
    MEAN,
    /** The largest value in each channel of a head. */
    MAX
  }

  @Override
  public boolean beforeHeads() {
    return kind == PoolKind.MEAN;
  }

  @Override
  public long projectedLength(long length) {
    return projectedLength;
  }

  @Override
  public boolean perHead() {
    return false;
  }

  @Override
  public <U extends TFloating> SequenceProjection<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new PoolingProjection<>(kind, sequenceLength, projectedLength);
  }

  @Override
  public Operand<T> compress(Ops tf, Operand<T> x) {
    int axis = x.shape().numDimensions() - 2;
    if (axis == 1 && !beforeHeads()) {
      Shapes.requireRank("PoolingProjection", x, 4);
    }
    Operand<T> windows =
        Windows.cut(
            tf, "PoolingProjection", x, axis, sequenceLength, projectedLength); // [b,..,k,w,..]
    return kind == PoolKind.MEAN
        ? Averages.over(tf, windows, false, axis + 1) // [b,k,c]
        : tf.max(windows, tf.constant(axis + 1)); // [b,h,k,d]
  }

  @Override
  public long window() {
    return sequenceLength / projectedLength;
  }

  @Override
  public SequenceProjection<T> onWindows(long k) {
    return new PoolingProjection<>(kind, sequenceLength / projectedLength * k, k);
  }

  @Override
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return y;
  }
}
