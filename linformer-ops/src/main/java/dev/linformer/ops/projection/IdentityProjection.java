package dev.linformer.ops.projection;

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
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return y;
  }
}
