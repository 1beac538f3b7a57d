package dev.linformer.ops.attention;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * Linformer's multi-head attention (arXiv 2006.04768, section 4): queries of all n positions
 * against keys and values compressed from s positions to k. Weights of all heads are one matrix, so
 * each product is one call.
 *
 * <pre>{@code
 * AttentionSpec spec = new AttentionSpec(channels, heads, headDim);
 * var e = LearnedProjection.declare(parameters, "attention.E", 2048, 128); // [k,n]
 * var f = LearnedProjection.declare(parameters, "attention.F", 2048, 128); // [k,n]
 * MultiHeadAttention<TFloat32> attention =
 *     MultiHeadAttention.declare(parameters, "attention", spec, e, f);
 * Operand<TFloat32> y = attention.call(tf, x, 0.1, key); // [b,n,c]; key is null in inference
 * }</pre>
 *
 * <p>{@link #steps} has the same one step at a time, for who computes an attention in parts; {@link
 * IncrementalDecoding} goes position by position.
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
public record MultiHeadAttention<T extends TFloating>(
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
  public MultiHeadAttention {
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
        spec.headDim(),
        allHeads(parameters, name + ".to_q", spec, spec.heads()),
        allHeads(parameters, name + ".to_k", spec, keyHeads),
        allHeads(parameters, name + ".to_v", spec, keyHeads),
        keyProjection,
        valueProjection,
        output(parameters, name, spec),
        spec.visibility(),
        null,
        parameters.backend());
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

  /** An attention like this with each weight replaced. */
  public <U extends TFloating> MultiHeadAttention<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new MultiHeadAttention<>(
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
  public MultiHeadAttention<T> withPlan(ContractionPlan plan) {
    return with(keyProjection, valueProjection, plan);
  }

  /** An attention with these weights whose sequences are compressed in other ways. */
  MultiHeadAttention<T> withProjections(SequenceProjection<T> e, SequenceProjection<T> f) {
    return with(e, f, forced);
  }

  private MultiHeadAttention<T> with(
      SequenceProjection<T> e, SequenceProjection<T> f, @Nullable ContractionPlan plan) {
    return new MultiHeadAttention<>(
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
  LearnedProjection<T> learnedKeys() {
    return learned(keyProjection);
  }

  /**
   * F, for what needs one that is learned or fixed.
   *
   * @throws IllegalArgumentException if it is neither
   */
  LearnedProjection<T> learnedValues() {
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

  /**
   * Self-attention without padding.
   *
   * @param x [b,n,c]
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   * @throws IllegalArgumentException if the shape doesn't fit the weights
   */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    return call(tf, x, x, null, dropout, key);
  }

  /**
   * Attention of x to a source.
   *
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
    boolean self = x.asOutput().equals(source.asOutput());
    Operand<T> tame = self ? Masks.tamePadding(tf, x, mask) : x; // [b,n,c]
    return callWithoutBias(tf, tame, self ? tame : source, mask, dropout, key).sum(tf); // [b,n,c]
  }

  /**
   * {@link #call} with the last bias not yet added, unless a dropout comes after it. Numbers at
   * padded positions of x are taken as they are, see {@link Masks#tamePadding}.
   *
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   * @throws IllegalArgumentException if the shapes don't fit the weights
   */
  public LinearOutput<T> callWithoutBias(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    Shapes.requireRank("MultiHeadAttention", x, 3);
    Shapes.requireRank("MultiHeadAttention source", source, 3);
    long c = queries.weight().shape().get(1);
    Shapes.requireAxis("MultiHeadAttention", x, 2, c, "channels");
    Shapes.requireAxis("MultiHeadAttention source", source, 2, c, "channels");
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    AttentionSteps<T> steps = steps();
    ContractionPlan plan = steps.plan(x, source, mask, dropout, key);
    CompressedSource<T> compressed = steps.compressSource(tf, clean, plan);
    AttentionDropout onHeads = new AttentionDropout(dropout, key);
    Operand<T> y = steps.heads(tf, x, compressed, plan, mask, onHeads); // [b,n,out]
    return steps.finish(tf, y, dropout, key); // [b,n,c]
  }

  /** The steps of {@link #callWithoutBias} one by one. */
  public AttentionSteps<T> steps() {
    return new AttentionSteps<>(this);
  }
}
