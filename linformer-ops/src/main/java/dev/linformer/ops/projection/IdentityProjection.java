package dev.linformer.ops.projection;

import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** No projection, k = n: full attention, for comparison. */
public record IdentityProjection<T extends TFloating>() implements SequenceProjection<T> {

  @Override
  public boolean beforeHeads() {
    return true;
  }

  @Override
  public Operand<T> compress(Ops tf, Operand<T> x) {
    return x;
  }

  @Override
  public long projectedLength(long length) {
    return length;
  }

  @Override
  public boolean perHead() {
    return false;
  }

  @Override
  public <U extends TFloating> SequenceProjection<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new IdentityProjection<>();
  }

  @Override
  public long window() {
    return 0;
  }

  @Override
  public SequenceProjection<T> onWindows(long k) {
    return this;
  }

  @Override
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return y;
  }
}
