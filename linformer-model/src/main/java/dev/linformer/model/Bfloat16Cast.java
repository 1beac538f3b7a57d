package dev.linformer.model;

import dev.linformer.ops.Backend;
import dev.linformer.ops.gradient.CustomGradient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.op.dtypes.Cast;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.family.TFloating;

/**
 * Rounds inputs and weights to bfloat16, each once.
 *
 * <p>On a GPU TensorFlow needs some 0.25 ms until XLA's program begins. It can start operations
 * that are no part of the program at once, so large tensors are rounded meanwhile. What takes
 * longer is left to the program, which has no such tensor in memory once it was used for the last
 * time.
 */
final class Bfloat16Cast {

  private static final long LARGE = 1 << 22; // values: fewer are rounded sooner than started
  private static final long LARGEST = 1 << 27; // what an H100 rounds in the time there is

  private final Ops tf;
  private final boolean ahead;
  private final Map<Output<?>, Operand<TBfloat16>> rounded = new HashMap<>();

  /**
   * @param backend with kernels, large tensors are rounded before XLA's program begins
   */
  Bfloat16Cast(Ops tf, Backend backend) {
    this.tf = tf;
    this.ahead = backend == Backend.GPU_KERNELS;
  }

  /** The nearest values, of the shape of x. */
  Operand<TBfloat16> of(Operand<? extends TFloating> x) {
    return rounded.computeIfAbsent(
        x.asOutput(),
        same -> {
          long size = x.shape().size();
          boolean apart = ahead && LARGE <= size && size <= LARGEST;
          return apart ? apart(x) : tf.dtypes.cast(x, TBfloat16.class);
        });
  }

  /**
   * The same for one user of many, as layers are that share a weight: their gradients are added up
   * in the type of x, and not in bfloat16.
   */
  <T extends TFloating> Operand<TBfloat16> forOneOfMany(Operand<T> x) {
    if (!CustomGradient.isAvailable()) {
      return of(x);
    }
    Class<T> type = x.type();
    return CustomGradient.of(
        tf, of(x), List.of(x), (inner, dy) -> List.of(inner.dtypes.cast(narrow(dy), type)));
  }

  /** As {@code tf.dtypes.cast}, which has no option for XLA's attribute. */
  private Operand<TBfloat16> apart(Operand<? extends TFloating> x) {
    OperationBuilder builder = tf.scope().opBuilder(Cast.OP_NAME, Cast.OP_NAME);
    builder.addInput(x.asOutput());
    builder.setAttr("DstT", DataType.DT_BFLOAT16);
    builder.setAttr("_XlaCompile", false);
    return builder.build().<TBfloat16>output(0);
  }

  @SuppressWarnings("unchecked") // a gradient has its operand's type
  private static Operand<TBfloat16> narrow(Output<?> dy) {
    return (Operand<TBfloat16>) dy;
  }
}
