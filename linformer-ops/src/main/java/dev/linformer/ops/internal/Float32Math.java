package dev.linformer.ops.internal;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** Functions that need more than a narrow type's digits, computed in float32 where x has fewer. */
public final class Float32Math {

  private Float32Math() {}

  /** Whether the type has fewer digits than float32. */
  public static boolean isReducedPrecision(Class<? extends TFloating> type) {
    return type == TBfloat16.class || type == TFloat16.class;
  }

  /** f(x), in the type of x. */
  public static <T extends TFloating> Operand<T> apply(
      Ops tf, Operand<T> x, ElementwiseFunction f) {
    return isReducedPrecision(x.type())
        ? tf.dtypes.cast(f.apply(tf, tf.dtypes.cast(x, TFloat32.class)), x.type())
        : f.apply(tf, x);
  }

  /** Softmax over the last axis. */
  public static <T extends TFloating> Operand<T> softmax(Ops tf, Operand<T> x) {
    return apply(tf, x, Float32Math::softmaxOf);
  }

  private static <T extends TFloating> Operand<T> softmaxOf(Ops tf, Operand<T> x) {
    return tf.nn.softmax(x);
  }

  /** A function that keeps the type. */
  @FunctionalInterface
  public interface ElementwiseFunction {
    /** The function of x, of the type and shape of x. */
    <T extends TFloating> Operand<T> apply(Ops tf, Operand<T> x);
  }
}
