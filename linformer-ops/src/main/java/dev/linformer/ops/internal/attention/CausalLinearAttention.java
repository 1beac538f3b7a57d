package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import dev.linformer.ops.projection.CompressedKeyValues;
import dev.linformer.ops.projection.LearnedProjection;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.math.Cumsum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * Linear attention that doesn't look ahead: position t attends to the projection of its own prefix,
 * K'_t = Σ_{i≤t} E[:,i]·k_iᵀ + bias, V'_t likewise (attention with bounded-memory control, arXiv
 * 2110.02488). Row t is what the plain layer gives for the sequence x[0..t].
 *
 * <p>In g chunks of m positions, with S_K and S_V [k,d] the sums over all chunks before, and M the
 * lower triangle with its diagonal:
 *
 * <pre>
 * A = select(M, Q·Kᵀ, 0)
 * P = softmax((Q·S_Kᵀ + A·Eᵀ)/√d)
 * out = P·S_V + select(M, P·F, 0)·V
 * </pre>
 *
 * O(n·(k·d + m·(d + k))) time; [n,k,d] never exists.
 */
public final class CausalLinearAttention {

  private static final long SHORTEST_CHUNK = 16;
  private static final long LONGEST_CHUNK = 512;

  private CausalLinearAttention() {}

  /**
   * The chunk that costs least memory, about √(k·d), as a power of two within bounds.
   *
   * @return positions, at most n
   */
  public static long chunkFor(long n, long k, long d) {
    double best = Math.sqrt((double) k * d);
    long chunk = SHORTEST_CHUNK;
    while (chunk < best && chunk < LONGEST_CHUNK) {
      chunk *= 2;
    }
    return Math.min(chunk, n);
  }

  /**
   * All heads from the beginning of the sequence.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K [b,h,n,d] or [b,1,n,d], zero at padded positions
   * @param values V, of the shape of keys
   * @param keyProjection E
   * @param valueProjection F
   * @param chunk m, at least 1; n need not be a multiple
   * @param dropout rate of the dropout on P, in [0,1)
   * @param key null outside training
   * @return [b,h,n,d]
   * @throws IllegalArgumentException if the shapes don't belong together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      LearnedProjection<T> keyProjection,
      LearnedProjection<T> valueProjection,
      long chunk,
      double dropout,
      @Nullable RandomKey key) {
    return call(
        tf,
        queries,
        keys,
        values,
        keyProjection,
        valueProjection,
        null,
        chunk,
        new AttentionDropout(dropout, key));
  }

  /**
   * All heads, or some of them, over all positions, or some of them.
   *
   * @param queries Q [b,h,n,d]
   * @param keys K [b,h,n,d] or [b,1,n,d], zero at padded positions
   * @param values V, of the shape of keys
   * @param keyProjection E
   * @param valueProjection F
   * @param before S_K and S_V before the first position, biases included, [b,h,k,d]; null at the
   *     beginning of the sequence
   * @param chunk m, at least 1; n need not be a multiple
   * @param dropout on P
   * @return [b,h,n,d]
   * @throws IllegalArgumentException if the shapes don't belong together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      Operand<T> queries,
      Operand<T> keys,
      Operand<T> values,
      LearnedProjection<T> keyProjection,
      LearnedProjection<T> valueProjection,
      @Nullable CompressedKeyValues<T> before,
      long chunk,
      AttentionDropout dropout) {
    Class<T> type = queries.type();
    Shapes.requireRank("CausalLinearAttention queries", queries, 4);
    LinearAttention.requireHeads("CausalLinearAttention keys", queries, keys);
    LinearAttention.requireHeads("CausalLinearAttention values", queries, values);
    long h = queries.shape().get(1);
    long n = queries.shape().get(2);
    long d = queries.shape().get(3);
    Shapes.requireAxis("CausalLinearAttention keys", keys, 2, n, "sequence length");

    boolean training = dropout.training();
    Operand<T> scale = Scalars.of(tf, 1 / Math.sqrt((double) d), type);
    Operand<T> q = chunks(tf, tf.math.mul(queries, scale), chunk); // [b,h,g,m,d]
    Operand<T> k = chunks(tf, keys, chunk); // [b,h,g,m,d]
    Operand<T> v = chunks(tf, values, chunk); // [b,h,g,m,d]
    Operand<T> e = columns(tf, keyProjection, n, chunk); // [g,k,m] or [h,g,k,m]
    Operand<T> f = columns(tf, valueProjection, n, chunk); // [g,k,m] or [h,g,k,m]
    Operand<T> sumK =
        sumsBefore(
            tf, keyProjection, e, k, before == null ? null : before.keys()); // S_K [b,h,g,k,d]
    Operand<T> sumV =
        sumsBefore(
            tf, valueProjection, f, v, before == null ? null : before.values()); // S_V [b,h,g,k,d]

    Operand<TBool> triangle = Masks.lowerTriangle(tf, chunk, chunk); // M [m,m]
    Operand<T> inside =
        lower(tf, triangle, BatchProduct.trained(tf, q, k, true, training)); // A [b,h,g,m,m]
    Operand<T> scores =
        tf.math.add(
            BatchProduct.trained(tf, q, sumK, true, training),
            BatchProduct.trained(tf, inside, e, true, training)); // [b,h,g,m,k]
    Operand<T> attention = Float32Math.softmax(tf, scores); // P [b,h,g,m,k]
    attention = dropped(tf, attention, dropout); // [b,h,g,m,k]
    Operand<T> weights =
        lower(tf, triangle, BatchProduct.trained(tf, attention, f, false, training)); // [b,h,g,m,m]
    Operand<T> out =
        tf.math.add(
            BatchProduct.trained(tf, attention, sumV, false, training),
            BatchProduct.trained(tf, weights, v, false, training)); // [b,h,g,m,d]

    long whole = (n + chunk - 1) / chunk * chunk;
    Operand<T> joined = Shapes.reshape(tf, out, Shape.UNKNOWN_SIZE, h, whole, d); // [b,h,g·m,d]
    return whole == n ? joined : Shapes.slice(tf, joined, 2, 0, n); // [b,h,n,d]
  }

  /** [b,h,n,d] → [b,h,g,m,d], zeros behind the end. */
  private static <T extends TFloating> Operand<T> chunks(Ops tf, Operand<T> x, long chunk) {
    long g = (x.shape().get(2) + chunk - 1) / chunk;
    Operand<T> whole = Shapes.padTo(tf, "CausalLinearAttention", x, 2, g * chunk);
    return Shapes.reshape(
        tf, whole, Shape.UNKNOWN_SIZE, x.shape().get(1), g, chunk, x.shape().get(3));
  }

  /** The columns of E by chunk: [k,n] → [g,k,m], or [h,k,n] → [h,g,k,m]. */
  private static <T extends TFloating> Operand<T> columns(
      Ops tf, LearnedProjection<T> projection, long n, long chunk) {
    long g = (n + chunk - 1) / chunk;
    long k = projection.projectedLength();
    int last = projection.perHead() ? 2 : 1;
    Shapes.requireAtMost("CausalLinearAttention", projection.weight(), last - 1, k, "k");
    if (n > projection.sequenceLength()) {
      throw new IllegalArgumentException(
          "CausalLinearAttention: at most %s positions (sequence length), found %s"
              .formatted(projection.sequenceLength(), n));
    }
    Operand<T> whole =
        Shapes.padTo(tf, "CausalLinearAttention", projection.columns(tf, 0, n), last, g * chunk);
    if (!projection.perHead()) {
      Operand<T> cut = Shapes.reshape(tf, whole, k, g, chunk); // [k,g,m]
      return tf.linalg.transpose(cut, tf.constant(new int[] {1, 0, 2})); // [g,k,m]
    }
    long h = projection.weight().shape().get(0);
    Operand<T> cut = Shapes.reshape(tf, whole, h, k, g, chunk); // [h,k,g,m]
    return tf.linalg.transpose(cut, tf.constant(new int[] {0, 2, 1, 3})); // [h,g,k,m]
  }

  /** Dropout goes by positions, whatever chunks they are in. */
  private static <T extends TFloating> Operand<T> dropped(
      Ops tf, Operand<T> p, AttentionDropout dropout) {
    if (!dropout.training() || dropout.rate() == 0) {
      return p;
    }
    long[] sizes = p.shape().asArray();
    Operand<T> joined =
        Shapes.reshape(tf, p, sizes[0], sizes[1], sizes[2] * sizes[3], sizes[4]); // [b,h,g·m,k]
    return Shapes.reshape(tf, dropout.apply(tf, joined, 1), sizes); // [b,h,g,m,k]
  }

  /**
   * The sums before each of the parts that a sequence is cut in, as {@link #call} takes them for a
   * part.
   *
   * @param keys [b,h,n,d] zero at padded positions
   * @param length of a part; the last may be shorter
   * @return [b,h,g,k,d]
   */
  static <T extends TFloating> Operand<T> sumsBefore(
      Ops tf, LearnedProjection<T> projection, Operand<T> keys, long length) {
    long n = keys.shape().get(2);
    Operand<T> columns = columns(tf, projection, n, length); // [g,k,m] or [h,g,k,m]
    return sumsBefore(tf, projection, columns, chunks(tf, keys, length), null); // [b,h,g,k,d]
  }

  /** Σ over the chunks before of E·x, and the bias or the start: [b,h,g,k,d]. */
  private static <T extends TFloating> Operand<T> sumsBefore(
      Ops tf,
      LearnedProjection<T> projection,
      Operand<T> columns,
      Operand<T> x,
      @Nullable Operand<T> start) {
    Operand<T> each = BatchProduct.call(tf, columns, x); // [b,h,g,k,d]
    Operand<T> sums =
        Float32Math.apply(tf, each, CausalLinearAttention::sumsOfChunks); // [b,h,g,k,d]
    if (start != null) {
      return tf.math.add(sums, tf.expandDims(start, tf.constant(2))); // [b,h,g,k,d]
    }
    return addBias(tf, projection, sums); // [b,h,g,k,d]
  }

  private static <T extends TFloating> Operand<T> sumsOfChunks(Ops tf, Operand<T> each) {
    return tf.math.cumsum(each, tf.constant(2), Cumsum.exclusive(true)); // [b,h,g,k,d]
  }

  /** [b,h,g,k,d], the bias of each row added. */
  static <T extends TFloating> Operand<T> addBias(
      Ops tf, LearnedProjection<T> projection, Operand<T> sums) {
    Operand<T> bias = projection.bias();
    if (bias == null) {
      return sums;
    }
    long k = projection.projectedLength();
    Operand<T> rows =
        projection.perHead()
            ? Shapes.reshape(tf, bias, projection.weight().shape().get(0), 1, k, 1) // [h,1,k,1]
            : Shapes.reshape(tf, bias, k, 1); // [k,1]
    return tf.math.add(sums, rows); // [b,h,g,k,d]
  }

  private static <T extends TFloating> Operand<T> lower(
      Ops tf, Operand<TBool> triangle, Operand<T> x) {
    return tf.select(triangle, x, Scalars.of(tf, 0, x.type()));
  }
}
