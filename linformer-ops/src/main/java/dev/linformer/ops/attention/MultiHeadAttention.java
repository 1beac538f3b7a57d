package dev.linformer.ops.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Shapes;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Linformer's multi-head attention: queries of all positions against keys and values compressed
 * from length n to k. Weights of all heads are one matrix, so each product is one call.
 *
 * @param heads h
 * @param queries [h·d,c]
 * @param keys [h·d,c], or [d,c] if all heads share one head of keys and values
 * @param values of the shape of keys
 * @param keyProjection E
 * @param valueProjection F, the same object as E where they are shared
 * @param output h·d → c, in one map or two
 * @param visibility what a position sees
 */
public record MultiHeadAttention<T extends TFloating>(
    int heads,
    Dense<T> queries,
    Dense<T> keys,
    Dense<T> values,
    SequenceProjection<T> keyProjection,
    SequenceProjection<T> valueProjection,
    List<Dense<T>> output,
    Visibility visibility) {

  /**
   * @throws IllegalArgumentException if a projection of its own for every head is not for h heads,
   *     or a pooling or a convolution, whose windows look ahead, is to be causal
   */
  public MultiHeadAttention {
    output = List.copyOf(output);
    requireHeads(keyProjection, heads);
    requireHeads(valueProjection, heads);
    boolean none =
        keyProjection instanceof IdentityProjection
            && valueProjection instanceof IdentityProjection;
    boolean byPrefix =
        keyProjection instanceof LearnedProjection && valueProjection instanceof LearnedProjection;
    if (visibility == Visibility.CAUSAL && !none && !byPrefix) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: causal needs a learned or fixed projection of keys and of values, or none, found %s and %s"
              .formatted(keyProjection, valueProjection));
    }
  }

  private static void requireHeads(SequenceProjection<?> projection, int heads) {
    if (projection instanceof LearnedProjection<?> learned && learned.perHead()) {
      Shapes.requireAxis("MultiHeadAttention projection", learned.weight(), 0, heads, "heads");
    }
  }

  /**
   * Weights {@code name.to_q.weight}, {@code to_k}, {@code to_v} [h·d,c], known head by head as
   * {@code name.to_q.0.weight} … [d,c], and {@code name.w_o.*}, or {@code w_o_1} and {@code w_o_2}.
   */
  public static <T extends TFloating> MultiHeadAttention<T> declare(
      ParameterFactory<T> parameters,
      String name,
      AttentionSpec spec,
      SequenceProjection<T> keyProjection,
      SequenceProjection<T> valueProjection) {
    int keyHeads = spec.oneKeyValueHead() ? 1 : spec.heads();
    return new MultiHeadAttention<>(
        spec.heads(),
        allHeads(parameters, name + ".to_q", spec, spec.heads()),
        allHeads(parameters, name + ".to_k", spec, keyHeads),
        allHeads(parameters, name + ".to_v", spec, keyHeads),
        keyProjection,
        valueProjection,
        output(parameters, name, spec),
        spec.visibility());
  }

  private static <T extends TFloating> Dense<T> allHeads(
      ParameterFactory<T> parameters, String name, AttentionSpec spec, int heads) {
    var keys = IntStream.range(0, heads).mapToObj(i -> name + "." + i + ".weight").toList();
    return new Dense<>(
        parameters.create(
            Parameter.sliced(
                name + ".weight",
                Shape.of(heads * spec.headDim(), spec.channels()),
                Initialization.linear(spec.channels()),
                keys)),
        null);
  }

  private static <T extends TFloating> List<Dense<T>> output(
      ParameterFactory<T> parameters, String name, AttentionSpec spec) {
    long hd = spec.heads() * spec.headDim();
    Integer between = spec.outputIntermediateDim();
    if (between == null) {
      return List.of(Dense.declare(parameters, name + ".w_o", hd, spec.channels()));
    }
    return List.of(
        Dense.declare(parameters, name + ".w_o_1", hd, between),
        Dense.declare(parameters, name + ".w_o_2", between, spec.channels()));
  }

  /** Self-attention without padding. */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    return call(tf, x, x, null, dropout, key);
  }

  /**
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]; x itself in self-attention
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]; what stands at the source's padded positions has no part in it
   * @throws IllegalArgumentException if the shapes don't fit the weights
   */
  public Operand<T> call(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    Shapes.requireRank("MultiHeadAttention", x, 3);
    Shapes.requireRank("MultiHeadAttention source", source, 3);
    long n = x.shape().get(1);
    long hd = queries.weight().shape().get(0);

    Operand<T> q = splitHeads(tf, queries.call(tf, x), heads); // [b,h,n,d]
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    RandomKey inner = key == null ? null : key.fold(0);
    Operand<T> mixed =
        visibility == Visibility.CAUSAL
                && keyProjection instanceof LearnedProjection<T> e
                && valueProjection instanceof LearnedProjection<T> f
            ? causal(tf, q, clean, e, f, dropout, inner)
            : compressed(tf, q, clean, mask, dropout, inner); // [b,h,n,d]

    Operand<T> y = Shapes.reshape(tf, swapHeads(tf, mixed), Shape.UNKNOWN_SIZE, n, hd); // [b,n,h·d]
    for (Dense<T> map : output) {
      y = map.call(tf, y); // [b,n,c] after the last
    }
    return Dropout.apply(tf, y, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }

  /**
   * What a causal attention knows of the positions so far.
   *
   * @param keys Σ E[:,i]·k_iᵀ, [b,h,k,d], or [b,1,k,d] with one key head and one E
   * @param values Σ F[:,i]·v_iᵀ, of the shape of keys
   */
  public record State<T extends TFloating>(Operand<T> keys, Operand<T> values) {}

  /**
   * A position's output and the state after it.
   *
   * @param output [b,1,c]
   */
  public record Step<T extends TFloating>(Operand<T> output, State<T> state) {}

  /** The shape of a state for one sequence, [1,h,k,d]. */
  public Shape stateShape() {
    LearnedProjection<T> e = learned(keyProjection);
    long states = e.perHead() ? heads : keyHeads();
    long d = queries.weight().shape().get(0) / heads;
    return Shape.of(1, states, e.projectedLength(), d);
  }

  /**
   * One position more of a causal self-attention, in O(k·d): the same numbers as {@link #call} on
   * the whole sequence gives for it.
   *
   * @param x the position, [b,1,c]
   * @param position t, a scalar counted from 0
   * @param before the state after t positions; zeros at the beginning
   * @throws IllegalArgumentException if the attention isn't causal, or has no projection
   */
  public Step<T> step(Ops tf, Operand<T> x, Operand<TInt64> position, State<T> before) {
    if (visibility != Visibility.CAUSAL) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a step needs causal attention, found " + visibility);
    }
    LearnedProjection<T> e = learned(keyProjection);
    LearnedProjection<T> f = learned(valueProjection);
    int keyHeads = keyHeads();
    Operand<T> q = splitHeads(tf, queries.call(tf, x), heads); // [b,h,1,d]
    Operand<T> k = splitHeads(tf, keys.call(tf, x), keyHeads); // [b,h,1,d]
    Operand<T> v = splitHeads(tf, values.call(tf, x), keyHeads); // [b,h,1,d]
    State<T> after =
        new State<>(
            tf.math.add(before.keys, tf.math.mul(column(tf, e, position), k)),
            tf.math.add(before.values, tf.math.mul(column(tf, f, position), v))); // [b,h,k,d]
    Operand<T> mixed =
        LinearAttention.call(
            tf, q, e.addBias(tf, after.keys), f.addBias(tf, after.values), 0, null); // [b,h,1,d]
    long hd = queries.weight().shape().get(0);
    Operand<T> y = Shapes.reshape(tf, mixed, Shape.UNKNOWN_SIZE, 1, hd); // [b,1,h·d]
    for (Dense<T> map : output) {
      y = map.call(tf, y); // [b,1,c] after the last
    }
    return new Step<>(y, after);
  }

  private LearnedProjection<T> learned(SequenceProjection<T> projection) {
    if (projection instanceof LearnedProjection<T> learned) {
      return learned;
    }
    throw new IllegalArgumentException(
        "MultiHeadAttention: a step needs a learned or fixed projection, found " + projection);
  }

  /** E[:,t]: [k,1] or [h,k,1]. */
  private static <T extends TFloating> Operand<T> column(
      Ops tf, LearnedProjection<T> projection, Operand<TInt64> position) {
    Operand<TInt64> one = tf.reshape(position, tf.constant(new long[] {1})); // [1]
    return tf.gather(projection.weight(), one, tf.constant(-1)); // [k,1] or [h,k,1]
  }

  /** Keys and values of all positions, compressed inside by prefix. */
  private Operand<T> causal(
      Ops tf,
      Operand<T> q,
      Operand<T> source,
      LearnedProjection<T> e,
      LearnedProjection<T> f,
      double dropout,
      @Nullable RandomKey key) {
    int keyHeads = keyHeads();
    Operand<T> k = splitHeads(tf, keys.call(tf, source), keyHeads); // [b,h,n,d]
    Operand<T> v = splitHeads(tf, values.call(tf, source), keyHeads); // [b,h,n,d]
    long chunk =
        CausalLinearAttention.chunkFor(q.shape().get(2), e.projectedLength(), q.shape().get(3));
    return CausalLinearAttention.call(tf, q, k, v, e, f, chunk, dropout, key);
  }

  private Operand<T> compressed(
      Ops tf,
      Operand<T> q,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    Operand<T> forKeys = compressEarly(tf, keyProjection, source); // [b,k,c], or source itself
    Operand<T> forValues =
        valueProjection.equals(keyProjection)
            ? forKeys
            : compressEarly(tf, valueProjection, source); // [b,k,c], or source itself
    Operand<T> k = project(tf, keys, keyProjection, forKeys); // [b,h,k,d]
    Operand<T> v = project(tf, values, valueProjection, forValues); // [b,h,k,d]
    Operand<TBool> visible = visible(tf, q.shape().get(2), k.shape().get(2), mask);
    return LinearAttention.call(tf, q, k, v, visible, dropout, key); // [b,h,n,d]
  }

  /** What of the compressed positions a position sees, [n,k] or [b,1,n or 1,k]; null for all. */
  private @Nullable Operand<TBool> visible(Ops tf, long n, long k, @Nullable Operand<TBool> mask) {
    Operand<TBool> triangle =
        visibility == Visibility.ALL ? null : Masks.lowerTriangle(tf, n, k); // [n,k]
    if (mask == null || !(keyProjection instanceof IdentityProjection)) {
      return triangle;
    }
    // Without a projection a padded position still has a place in the softmax.
    Operand<TBool> real = tf.expandDims(tf.expandDims(mask, tf.constant(1)), tf.constant(1));
    return triangle == null ? real : tf.math.logicalAnd(real, triangle); // [b,1,1,s], [b,1,n,s]
  }

  /**
   * E·x where all heads share E: E(xW) = (Ex)W, and the right side never makes keys or values of
   * all n positions.
   */
  private Operand<T> compressEarly(Ops tf, SequenceProjection<T> projection, Operand<T> source) {
    return projection.beforeHeads() ? projection.compress(tf, source) : source;
  }

  /** The compressed keys or values of all heads, [b,h,k,d]. */
  private Operand<T> project(
      Ops tf, Dense<T> weights, SequenceProjection<T> projection, Operand<T> source) {
    Operand<T> split = splitHeads(tf, weights.call(tf, source), keyHeads()); // [b,h,n or k,d]
    Operand<T> compressed =
        projection.beforeHeads() ? split : projection.compress(tf, split); // [b,h,k,d]
    return projection.addBias(tf, compressed); // [b,h,k,d]
  }

  /** h, or 1. */
  private int keyHeads() {
    long d = queries.weight().shape().get(0) / heads;
    return Math.toIntExact(keys.weight().shape().get(0) / d);
  }

  private static <T extends TFloating> Operand<T> splitHeads(Ops tf, Operand<T> x, int heads) {
    long length = x.shape().get(1);
    long d = x.shape().get(2) / heads;
    return swapHeads(tf, Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, length, heads, d)); // [b,h,n,d]
  }

  /** [b,n,h,d] ↔ [b,h,n,d]. */
  private static <T extends TFloating> Operand<T> swapHeads(Ops tf, Operand<T> x) {
    return tf.linalg.transpose(x, tf.constant(new int[] {0, 2, 1, 3}));
  }
}
