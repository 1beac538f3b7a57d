package dev.linformer.ops.attention;

import dev.linformer.ops.Dropout;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Scalars;
import dev.linformer.ops.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.family.TFloating;

/**
 * softmax(Q·K'ᵀ/√d)·V', equation 7 of the paper after the projection: the softmax runs over the k
 * compressed positions, so the matrix P̄ of its values is [n,k] a head and never [n,n].
 */
public final class LinearAttention {

  private LinearAttention() {}

  /**
   * All heads at once.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K' = E·K + bias [b,h,k,d]
   * @param values V' = F·V + bias [b,h,k,d]
   * @param dropout rate of the dropout on P̄, in [0,1)
   * @param key null outside training
   * @return [b,h,n,d]
   * @throws IllegalArgumentException if the shapes don't belong together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      double dropout,
      @Nullable RandomKey key) {
    Class<T> type = queries.type();
    Shapes.requireRank("LinearAttention queries", queries, 4);
    long h = queries.shape().get(1);
    long d = queries.shape().get(3);
    Shapes.requireRank("LinearAttention keys", keys, 4);
    Shapes.requireAxis("LinearAttention keys", keys, 1, h, "heads");
    Shapes.requireAxis("LinearAttention keys", keys, 3, d, "width of a head");
    Shapes.requireRank("LinearAttention values", values, 4);
    Shapes.requireAxis("LinearAttention values", values, 1, h, "heads");
    Shapes.requireAxis(
        "LinearAttention values", values, 2, keys.shape().get(2), "projected length");

    // The scale goes on the short side.
    Operand<T> scaled =
        tf.math.mul(keys, Scalars.of(tf, 1 / Math.sqrt((double) d), type)); // [b,h,k,d]
    Operand<T> scores =
        tf.train.batchMatMul(queries, scaled, type, BatchMatMul.adjY(true)); // [b,h,n,k]
    Operand<T> attention = tf.nn.softmax(scores); // P̄ [b,h,n,k]
    attention = Dropout.apply(tf, attention, dropout, key); // [b,h,n,k]
    return tf.train.batchMatMul(attention, values, type); // [b,h,n,d]
  }
}
