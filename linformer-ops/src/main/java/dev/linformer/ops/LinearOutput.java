package dev.linformer.ops;

import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * A product and a bias not yet added to it: what comes after may do so in passing.
 *
 * @param rows the product, [...,c] or, all leading axes in one, [rows,c]
 * @param bias [c], or null
 * @param shape of the product, [...,c]; at most one leading axis may be of unknown size
 */
public record LinearOutput<T extends TFloating>(
    Operand<T> rows, @Nullable Operand<T> bias, Shape shape) {

  /** A value that lacks nothing, [...,c]. */
  public static <T extends TFloating> LinearOutput<T> none(Operand<T> x) {
    return new LinearOutput<>(x, null, x.shape());
  }

  /** The product alone, [...,c]. */
  public Operand<T> product(Ops tf) {
    return shaped(tf, rows); // [...,c]
  }

  /**
   * Product and bias, [...,c]. Of rows they are added before the reshape, with nothing in between:
   * TensorFlow makes them one kernel. In a narrow type BiasAdd is none: on a CPU its gradient adds
   * up in that type, and of 2,048 rows it is off by 5 %; that of an addition adds up in float32.
   */
  public Operand<T> sum(Ops tf) {
    if (bias == null) {
      return product(tf); // [...,c]
    }
    Operand<T> sum =
        rows.shape().numDimensions() == 2 && !Float32Math.isReducedPrecision(rows.type())
            ? tf.nn.biasAdd(rows, bias)
            : tf.math.add(rows, bias);
    return shaped(tf, sum); // [...,c]
  }

  private Operand<T> shaped(Ops tf, Operand<T> x) {
    return x.shape().numDimensions() == shape.numDimensions()
        ? x
        : Shapes.reshape(tf, x, shape.asArray()); // [...,c]
  }
}
