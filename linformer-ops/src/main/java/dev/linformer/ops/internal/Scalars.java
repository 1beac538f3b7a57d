package dev.linformer.ops.internal;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** Numbers as operands of a layer's own type. */
public final class Scalars {

  private Scalars() {}

  /** {@code value} rounded once to {@code type}. */
  @SuppressWarnings("unchecked") // the class tells the type apart
  public static <T extends TFloating> Operand<T> of(Ops tf, double value, Class<T> type) {
    if (type == TFloat32.class) {
      return (Operand<T>) tf.constant((float) value);
    }
    if (type == TFloat64.class) {
      return (Operand<T>) tf.constant(value);
    }
    return tf.dtypes.cast(tf.constant(value), type);
  }
}
