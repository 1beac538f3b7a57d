package dev.linformer.ops.attention;

import dev.linformer.ops.BatchProduct;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * softmax(Q·K'ᵀ/√d)·V', equation 7 of the paper after the projection: the softmax runs over the k
 * compressed positions, so the matrix P̄ of its values is [n,k] a head and never [n,n].
 */
public final class LinearAttention {

  private LinearAttention() {}

  /** All heads at once, everything visible. */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      double dropout,
      @Nullable RandomKey key) {
    return call(tf, queries, keys, values, null, dropout, key);
  }

  /**
   * All heads at once.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K' = E·K + bias [b,h,k,d], or [b,1,k,d] for all heads
   * @param values V' = F·V + bias, of the shape of keys
   * @param visible of a shape that broadcasts to [b,h,n,k]; null if all compressed positions are
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
      @Nullable Operand<TBool> visible,
      double dropout,
      @Nullable RandomKey key) {
    Shapes.requireRank("LinearAttention queries", queries, 4);
    long d = queries.shape().get(3);
    requireHeads("LinearAttention keys", queries, keys);
    Shapes.requireAxis("LinearAttention keys", keys, 3, d, "width of a head");
    requireHeads("LinearAttention values", queries, values);
    Shapes.requireAxis(
        "LinearAttention values", values, 2, keys.shape().get(2), "projected length");

    // The scale goes on the short side.
    Operand<T> scaled =
        tf.math.mul(keys, Scalars.of(tf, 1 / Math.sqrt((double) d), queries.type())); // [b,h,k,d]
    Operand<T> scores = BatchProduct.ofTransposed(tf, queries, scaled); // [b,h,n,k]
    scores = Masks.hide(tf, scores, visible); // [b,h,n,k]
    Operand<T> attention = Float32Math.softmax(tf, scores); // P̄ [b,h,n,k]
    attention = Dropout.apply(tf, attention, dropout, key); // [b,h,n,k]
    return BatchProduct.call(tf, attention, values); // [b,h,n,d]
  }

  /** Keys and values have the heads of the queries, or one for all of them. */
  static void requireHeads(String what, Operand<?> queries, Operand<?> x) {
    Shapes.requireRank(what, x, 4);
    if (x.shape().get(1) != 1) {
      Shapes.requireAxis(what, x, 1, queries.shape().get(1), "heads");
    }
  }
}
