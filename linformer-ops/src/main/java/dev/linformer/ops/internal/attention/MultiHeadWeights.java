package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * The weights of a {@link dev.linformer.ops.attention.MultiHeadAttention}, and how it computes.
 * Weights of all heads are one matrix, so each product is one call. {@link #steps} computes with
 * them.
 *
 * @param headDim d
 * @param queries [h·d,c]
 * @param keys [h·d,c], or [d,c] if all heads share one head of keys and values
 * @param values of the shape of keys
 * @param keyProjection E
 * @param valueProjection F, the same object as E where they are shared
 * @param output h·d → c, in one map or two
 * @param visibility what a position sees
 * @param forced order of the products; null for the cheapest
 * @param backend what computes it
 */
public record MultiHeadWeights<T extends TFloating>(
    long headDim,
    Dense<T> queries,
    Dense<T> keys,
    Dense<T> values,
    SequenceProjection<T> keyProjection,
    SequenceProjection<T> valueProjection,
    List<Dense<T>> output,
    Visibility visibility,
    @Nullable ContractionPlan forced,
    Backend backend) {

  /**
   * @throws IllegalArgumentException if a projection of its own for every head is not for h heads,
   *     or a pooling or a convolution, whose windows look ahead, is to be causal
   */
  public MultiHeadWeights {
    output = List.copyOf(output);
    long heads = queries.weight().shape().get(0) / headDim;
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

  private static void requireHeads(SequenceProjection<?> projection, long heads) {
    if (projection instanceof LearnedProjection<?> learned && learned.perHead()) {
      Shapes.requireAxis("MultiHeadAttention projection", learned.weight(), 0, heads, "heads");
    }
  }

  /** An attention like this with each weight replaced. */
  public <U extends TFloating> MultiHeadWeights<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new MultiHeadWeights<>(
        headDim,
        queries.map(replace),
        keys.map(replace),
        values.map(replace),
        keyProjection.map(replace),
        valueProjection.map(replace),
        output.stream().map(dense -> dense.map(replace)).toList(),
        visibility,
        forced,
        backend);
  }

  /** An attention with these weights and its products in a given order. */
  public MultiHeadWeights<T> withPlan(ContractionPlan plan) {
    return with(keyProjection, valueProjection, plan);
  }

  /** An attention with these weights whose sequences are compressed in other ways. */
  MultiHeadWeights<T> withProjections(SequenceProjection<T> e, SequenceProjection<T> f) {
    return with(e, f, forced);
  }

  private MultiHeadWeights<T> with(
      SequenceProjection<T> e, SequenceProjection<T> f, @Nullable ContractionPlan plan) {
    return new MultiHeadWeights<>(
        headDim, queries, keys, values, e, f, output, visibility, plan, backend);
  }

  /** {@code h}, the number of heads. */
  public long heads() {
    return queries.weight().shape().get(0) / headDim;
  }

  /** Heads of keys and values: {@code h}, or 1. */
  public long keyHeads() {
    return keys.weight().shape().get(0) / headDim;
  }

  /** Whether positions see the projection of their own prefix. */
  public boolean byPrefix() {
    return visibility == Visibility.CAUSAL && keyProjection instanceof LearnedProjection;
  }

  /**
   * E, for what needs one that is learned or fixed.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public LearnedProjection<T> learnedKeys() {
    return learned(keyProjection);
  }

  /**
   * F, for what needs one that is learned or fixed.
   *
   * @throws IllegalArgumentException if it is neither
   */
  public LearnedProjection<T> learnedValues() {
    return learned(valueProjection);
  }

  private LearnedProjection<T> learned(SequenceProjection<T> projection) {
    if (projection instanceof LearnedProjection<T> learned) {
      return learned;
    }
    throw new IllegalArgumentException(
        "MultiHeadAttention: a step needs a learned or fixed projection, found " + projection);
  }

  /** Whether a mask hides anything: without a projection a padded position is in the softmax. */
  boolean hides(@Nullable Operand<TBool> mask) {
    return mask != null && keyProjection instanceof IdentityProjection;
  }

  /**
   * The sizes that {@link ContractionPlan#choose} compares costs of.
   *
   * @param n positions with queries
   * @param s positions of the source
   */
  public ContractionPlan.Sizes sizes(long n, long s) {
    boolean shared = keyProjection.equals(valueProjection);
    long projections = keyProjection.perHead() ? 2 * heads() : shared ? 1 : 2;
    return new ContractionPlan.Sizes(
        n,
        s,
        queries.weight().shape().get(1),
        heads(),
        keyHeads(),
        headDim,
        keyProjection.projectedLength(s),
        output.get(0).weight().shape().get(0),
        projections);
  }

  /** The computation with these weights, one step at a time. */
  public AttentionSteps<T> steps() {
    return new AttentionSteps<>(this);
  }
}
