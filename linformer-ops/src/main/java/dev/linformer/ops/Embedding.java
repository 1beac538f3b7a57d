package dev.linformer.ops;

import dev.linformer.ops.internal.Float32Math;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;

/** Rows of a table by their numbers. */
public final class Embedding {

  private Embedding() {}

  /**
   * A row for each number. The gradient of a row adds up those of all places where it stands, in
   * float32 where the table's type has fewer digits.
   *
   * @param table [rows,c]
   * @param numbers of rows, [b,n], from 0
   * @return [b,n,c]
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf, Operand<T> table, Operand<? extends TNumber> numbers) {
    return Float32Math.apply(tf, table, new Rows(numbers)); // [b,n,c]
  }

  private record Rows(Operand<? extends TNumber> numbers)
      implements Float32Math.ElementwiseFunction {
    @Override
    public <T extends TFloating> Operand<T> apply(Ops tf, Operand<T> table) {
      return tf.gather(table, numbers, tf.constant(0)); // [b,n,c]
    }
  }
}
