package dev.linformer.ops.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.attention.AttentionDropout;
import dev.linformer.ops.internal.attention.AttentionSteps;
import dev.linformer.ops.internal.attention.ContractionPlan;
import dev.linformer.ops.internal.attention.LinearAttention;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.CompressedKeyValues;
import dev.linformer.ops.projection.LearnedProjection;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/** A {@link MultiHeadAttention} position by position, in O(k·d) each. */
public final class IncrementalDecoding {

  private IncrementalDecoding() {}

  /**
   * What a causal attention knows of the positions so far: sums that grow with each, in float32 or
   * float64, also where the attention is computed in a narrower type.
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
  public record Step<T extends TFloating, S extends TFloating>(Operand<T> output, State<S> state) {}

  /**
   * The shape for one sequence, [1,h,k,d], of a state's keys and values, and of what {@link
   * #compress} gives of a source.
   */
  public static <T extends TFloating> Shape stateShape(MultiHeadAttention<T> attention) {
    MultiHeadWeights<T> weights = attention.weights();
    LearnedProjection<T> e = weights.learnedKeys();
    long states = e.perHead() ? weights.heads() : weights.keyHeads();
    return Shape.of(1, states, e.projectedLength(), weights.headDim());
  }

  /**
   * One position more of a causal self-attention, in O(k·d): the same numbers as {@link
   * MultiHeadAttention#call} on the whole sequence gives for it.
   *
   * @param x the position, [b,1,c]
   * @param position t, a scalar counted from 0
   * @param before the state after t positions; zeros at the beginning
   * @throws IllegalArgumentException if the attention isn't causal, or has no projection, or the
   *     state's type is narrow
   */
  public static <T extends TFloating, S extends TFloating> Step<T, S> step(
      Ops tf,
      MultiHeadAttention<T> attention,
      Operand<T> x,
      Operand<TInt64> position,
      State<S> before) {
    if (Float32Math.isReducedPrecision(before.keys.type())) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a state in float32 or float64 expected, found %s, in which sums stop growing"
              .formatted(before.keys.type().getSimpleName()));
    }
    MultiHeadWeights<T> weights = attention.weights();
    if (weights.visibility() != Visibility.CAUSAL) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a step needs causal attention, found " + weights.visibility());
    }
    LearnedProjection<T> e = weights.learnedKeys();
    LearnedProjection<T> f = weights.learnedValues();
    Operand<T> q = headsOfOne(tf, weights, weights.queries().call(tf, x)); // [b,h,1,d]
    Operand<T> k = headsOfOne(tf, weights, weights.keys().call(tf, x)); // [b,h or 1,1,d]
    Operand<T> v = headsOfOne(tf, weights, weights.values().call(tf, x)); // [b,h or 1,1,d]
    State<S> after =
        new State<>(
            grown(tf, before.keys, column(tf, e, position), k),
            grown(tf, before.values, column(tf, f, position), v)); // [b,h,k,d]
    Operand<T> sumK = in(tf, after.keys, x.type()); // [b,h,k,d]
    Operand<T> sumV = in(tf, after.values, x.type()); // [b,h,k,d]
    Operand<T> mixed =
        LinearAttention.call(tf, q, e.addBias(tf, sumK), f.addBias(tf, sumV), 0, null); // [b,h,1,d]
    return new Step<>(outputOfOne(tf, weights, mixed), after);
  }

  /** A sum and what a position adds to it, [b,h,k,d], in the sum's type. */
  private static <T extends TFloating, S extends TFloating> Operand<S> grown(
      Ops tf, Operand<S> sum, Operand<T> column, Operand<T> x) {
    Class<S> type = sum.type();
    return tf.math.add(sum, tf.math.mul(in(tf, column, type), in(tf, x, type)));
  }

  @SuppressWarnings("unchecked") // it has that type already
  private static <U extends TFloating> Operand<U> in(
      Ops tf, Operand<? extends TFloating> x, Class<U> type) {
    return x.type() == type ? (Operand<U>) x : tf.dtypes.cast(x, type);
  }

  /**
   * What a decoder's attention keeps of its source while it goes position by position.
   *
   * @param source [b,s,c]
   * @param mask [b,s], true at the source's real positions; null if all are
   * @return K'/√d and V', not folded with weights, of {@link #stateShape} each
   * @throws IllegalArgumentException if the attention doesn't see all of its source, or has no
   *     projection
   */
  public static <T extends TFloating> CompressedKeyValues<T> compress(
      Ops tf, MultiHeadAttention<T> attention, Operand<T> source, @Nullable Operand<TBool> mask) {
    MultiHeadWeights<T> weights = attention.weights();
    requireWhole(weights);
    AttentionSteps<T> steps = weights.steps();
    boolean first = steps.order(1, source.shape().get(1), false).compressFirst();
    ContractionPlan plan = new ContractionPlan(first, false, false); // a fold is dear for one query
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    return steps.compress(tf, steps.compressSource(tf, clean, plan), plan, 0);
  }

  /**
   * One position more of an attention to a source, in O(k·d): the same numbers as {@link
   * MultiHeadAttention#call} gives for it.
   *
   * @param x the position, [b,1,c]
   * @param source of {@link #compress}
   * @return [b,1,c]
   * @throws IllegalArgumentException if the attention doesn't see all of its source, or has no
   *     projection
   */
  public static <T extends TFloating> Operand<T> step(
      Ops tf, MultiHeadAttention<T> attention, Operand<T> x, CompressedKeyValues<T> source) {
    MultiHeadWeights<T> weights = attention.weights();
    requireWhole(weights);
    Operand<T> q = headsOfOne(tf, weights, weights.queries().call(tf, x)); // [b,h,1,d]
    Operand<T> mixed =
        LinearAttention.attend(
            tf, q, source.keys(), source.values(), null, AttentionDropout.NONE); // [b,h,1,d]
    return outputOfOne(tf, weights, mixed); // [b,1,c]
  }

  /** [b,1,h·d] → [b,h,1,d]; of one position no value moves. */
  private static <T extends TFloating> Operand<T> headsOfOne(
      Ops tf, MultiHeadWeights<T> weights, Operand<T> x) {
    long heads = x.shape().get(2) / weights.headDim();
    return Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, heads, 1, weights.headDim()); // [b,h,1,d]
  }

  /** [b,h,1,d] → [b,1,c]. */
  private static <T extends TFloating> Operand<T> outputOfOne(
      Ops tf, MultiHeadWeights<T> weights, Operand<T> mixed) {
    long hd = weights.queries().weight().shape().get(0);
    Operand<T> y = Shapes.reshape(tf, mixed, Shape.UNKNOWN_SIZE, 1, hd); // [b,1,h·d]
    for (Dense<T> map : weights.output()) {
      y = map.call(tf, y); // [b,1,c] after the last
    }
    return y;
  }

  private static void requireWhole(MultiHeadWeights<?> weights) {
    if (weights.visibility() != Visibility.ALL) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a step needs a source that is seen as a whole, found "
              + weights.visibility());
    }
    weights.learnedKeys();
    weights.learnedValues();
  }

  /** E[:,t]: [k,1] or [h,k,1]. */
  private static <T extends TFloating> Operand<T> column(
      Ops tf, LearnedProjection<T> projection, Operand<TInt64> position) {
    Operand<TInt64> index = tf.reshape(position, tf.constant(new long[] {1})); // [1]
    return tf.gather(projection.weight(), index, tf.constant(-1)); // [k,1] or [h,k,1]
  }
}
