package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * softmax(Q·K'ᵀ/√d)·V', equation 7 of the paper (arXiv 2006.04768) after the projection: the
 * softmax runs over the k compressed positions, so the matrix P̄ of its values is [n,k] a head and
 * never [n,n].
 *
 * <pre>{@code
 * Operand<TFloat32> y = LinearAttention.call(tf, q, k, v, 0, null); // [b,h,n,d]
 * }</pre>
 *
 * <p>It is what {@link dev.linformer.ops.attention.MultiHeadAttention} computes in training and in
 * inference, and {@link dev.linformer.ops.attention.IncrementalDecoding} for one position. Where
 * weights are multiplied into K' or V' first, see {@link ContractionPlan}, the steps {@link
 * #scores} or {@link #mixture} are other products, and {@link #probabilities} is the same.
 */
public final class LinearAttention {

  /** In the name of a softmax whose result is P̄ as [b,n,h,k], and not [b,h,n,k]. */
  public static final String POSITIONS_FIRST = "positions_first";

  private LinearAttention() {}

  /**
   * All heads at once, everything visible.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K' = E·K + bias [b,h,k,d], or [b,1,k,d] for all heads
   * @param values V' = F·V + bias, of the shape of keys
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
    return call(tf, queries, keys, values, null, new AttentionDropout(dropout, key));
  }

  /**
   * All heads at once, or some of them, of which some positions may be hidden.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K' = E·K + bias [b,h,k,d], or [b,1,k,d] for all heads
   * @param values V' = F·V + bias, of the shape of keys
   * @param visible of a shape that broadcasts to [b,h,n,k]; null if all compressed positions are
   * @return [b,h,n,d]
   * @throws IllegalArgumentException if the shapes don't belong together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      @Nullable Operand<TBool> visible,
      AttentionDropout dropout) {
    Shapes.requireRank("LinearAttention queries", queries, 4);
    long d = queries.shape().get(3);
    requireHeads("LinearAttention keys", queries, keys);
    Shapes.requireAxis("LinearAttention keys", keys, 3, d, "width of a head");
    requireHeads("LinearAttention values", queries, values);
    Shapes.requireAxis(
        "LinearAttention values", values, 2, keys.shape().get(2), "projected length");
    return attend(tf, queries, scaled(tf, keys, d), values, visible, dropout); // [b,h,n,d]
  }

  /** K'/√d, of the shape of K': the scale goes on the short side. */
  static <T extends TFloating> Operand<T> scaled(Ops tf, Operand<T> keys, long d) {
    return tf.math.mul(keys, Scalars.of(tf, 1 / Math.sqrt((double) d), keys.type()));
  }

  /**
   * The attention of {@link #call} with keys that have the scale.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K'/√d [b,h,k,d], or [b,1,k,d]
   * @param values V', of the shape of keys
   * @param visible of a shape that broadcasts to [b,h,n,k], or null
   * @return [b,h,n,d]
   */
  public static <T extends TFloating> Operand<T> attend(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      @Nullable Operand<TBool> visible,
      AttentionDropout dropout) {
    Operand<T> scores = scores(tf, queries, keys, dropout); // [b,h,n,k]
    Operand<T> p = probabilities(tf, scores, 1, visible, dropout); // P̄ [b,h,n,k]
    return mixture(tf, p, values, dropout); // [b,h,n,d]
  }

  /** Q·K'ᵀ/√d of Q [b,h,n,d] and K'/√d [b,h,k,d] or [b,1,k,d]: [b,h,n,k]. */
  static <T extends TFloating> Operand<T> scores(
      Ops tf, Operand<T> queries, Operand<T> keys, AttentionDropout dropout) {
    return BatchProduct.trained(tf, queries, keys, true, dropout.training());
  }

  /**
   * P̄ after the dropout: mask, softmax, dropout.
   *
   * @param scores [b,h,n,k], or [b,n,h,k]
   * @param headAxis 1 or 2
   * @param visible of a shape that broadcasts to that of scores; null if all may be seen
   * @return the shape of scores
   */
  static <T extends TFloating> Operand<T> probabilities(
      Ops tf,
      Operand<T> scores,
      int headAxis,
      @Nullable Operand<TBool> visible,
      AttentionDropout dropout) {
    Operand<T> seen = Masks.hide(tf, scores, visible); // [b,h,n,k]
    Ops named = headAxis == 2 ? tf.withName(POSITIONS_FIRST) : tf;
    return dropout.apply(tf, Float32Math.softmax(named, seen), headAxis); // [b,h,n,k]
  }

  /** P̄·V' of P̄ [b,h,n,k] and V' [b,h,k,d] or [b,1,k,d]: [b,h,n,d]. */
  static <T extends TFloating> Operand<T> mixture(
      Ops tf, Operand<T> p, Operand<T> values, AttentionDropout dropout) {
    return BatchProduct.trained(tf, p, values, false, dropout.training());
  }

  /** Keys and values have the heads of the queries, or one for all of them. */
  static void requireHeads(String what, Operand<?> queries, Operand<?> x) {
    Shapes.requireRank(what, x, 4);
    if (x.shape().get(1) != 1) {
      Shapes.requireAxis(what, x, 1, queries.shape().get(1), "heads");
    }
  }
}
