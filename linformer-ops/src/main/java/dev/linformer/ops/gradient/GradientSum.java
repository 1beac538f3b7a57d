package dev.linformer.ops.gradient;

import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.op.dtypes.Cast;
import org.tensorflow.op.math.Add;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * A sum whose addends come one after another. Of a narrow type it is made in float32: in bfloat16,
 * with 8 bits, a sum of equal addends grows no more after 256 of them.
 */
final class GradientSum {

  private @Nullable Operand<?> sum;
  private @Nullable Class<? extends TType> narrow; // the addends' type, if there was a cast

  /** The sum with one addend more, in the type in which it is made. */
  Operand<?> add(Ops tf, Operand<?> addend) {
    Operand<?> before = sum;
    if (before == null) {
      sum = addend; // of a single one no cast is needed
      return addend;
    }
    Class<? extends TType> type = addend.type();
    if (type != TBfloat16.class && type != TFloat16.class) {
      sum = plus(tf, before, addend);
      return sum;
    }
    Operand<?> wide = narrow == null ? cast(tf, before, TFloat32.class) : before;
    narrow = type;
    sum = plus(tf, wide, cast(tf, addend, TFloat32.class));
    return sum;
  }

  boolean isEmpty() {
    return sum == null;
  }

  /** The sum, in the addends' type. */
  Operand<?> get(Ops tf) {
    Operand<?> all = sum;
    if (all == null) {
      throw new IllegalStateException("a sum of nothing");
    }
    return narrow == null ? all : cast(tf, all, narrow);
  }

  private static Output<?> plus(Ops tf, Operand<?> x, Operand<?> y) {
    OperationBuilder builder = tf.scope().opBuilder(Add.OP_NAME, "sum");
    builder.addInput(x.asOutput());
    builder.addInput(y.asOutput());
    return builder.build().output(0);
  }

  private static Output<?> cast(Ops tf, Operand<?> x, Class<? extends TType> type) {
    OperationBuilder builder = tf.scope().opBuilder(Cast.OP_NAME, "sum");
    builder.addInput(x.asOutput());
    builder.setAttr("DstT", dataType(type));
    return builder.build().output(0);
  }

  private static DataType dataType(Class<? extends TType> type) {
    if (type == TBfloat16.class) {
      return DataType.DT_BFLOAT16;
    }
    return type == TFloat16.class ? DataType.DT_HALF : DataType.DT_FLOAT;
  }
}
