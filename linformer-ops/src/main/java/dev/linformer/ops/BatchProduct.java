package dev.linformer.ops;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * x·y for each sequence of a batch. A batch of one is a plain product: the gradient of y, a product
 * with x's transpose, takes a CPU half the time that it takes as a product of batches.
 */
public final class BatchProduct {

  private BatchProduct() {}

  /**
   * @param x [b,n,p], or the same for all, [n,p]
   * @param y [b,p,q]
   * @return [b,n,q]
   */
  public static <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, Operand<T> y) {
    long[] left = x.shape().asArray();
    long[] right = y.shape().asArray();
    boolean shared = left.length == 2;
    if (right[0] != 1 || !(shared || left[0] == 1)) {
      return tf.train.batchMatMul(x, y, x.type()); // [b,n,q]
    }
    long n = left[left.length - 2];
    Operand<T> rows = shared ? x : Shapes.reshape(tf, x, n, left[2]); // [n,p]
    Operand<T> columns = Shapes.reshape(tf, y, right[1], right[2]); // [p,q]
    return Shapes.reshape(tf, tf.linalg.matMul(rows, columns), 1, n, right[2]); // [1,n,q]
  }
}
