package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.MultiHeadAttention;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * Half a layer: an attention or a feed-forward part with its residual and its norm. Post-norm: x =
 * LayerNorm(R(x) + f(x)); pre-norm: x = R(x) + f(LayerNorm(x)).
 *
 * @param body f
 * @param norm of f's output, or of its input with pre-norm
 * @param resample R, a map to another width; null for the identity
 * @param preNorm where the norm stands
 */
record Sublayer<T extends TFloating>(
    Body<T> body, LayerNorm<T> norm, @Nullable Dense<T> resample, boolean preNorm) {

  /** What is added to the residual. */
  sealed interface Body<T extends TFloating> {

    /** [b,n,c] → [b,n,out], the last bias not yet added where nothing comes between. */
    LinearOutput<T> call(
        Ops tf, Operand<T> x, LinformerConfig config, Context<T> context, @Nullable RandomKey key);

    /** The same with each weight replaced. */
    <U extends TFloating> Body<U> map(Function<Operand<T>, Operand<U>> replace);
  }

  /**
   * Attention of a sequence to itself, or of a decoder to its source.
   *
   * @param cross whether to a source
   */
  record AttentionBody<T extends TFloating>(MultiHeadAttention<T> attention, boolean cross)
      implements Body<T> {

    @Override
    public LinearOutput<T> call(
        Ops tf, Operand<T> x, LinformerConfig config, Context<T> context, @Nullable RandomKey key) {
      return attention.callWithoutBias(
          tf, x, source(x, context), mask(context), config.dropout(), key); // [b,n,c]
    }

    /** What is attended to, [b,s,c]. */
    Operand<T> source(Operand<T> x, Context<T> context) {
      if (!cross) {
        return x;
      }
      Operand<T> source = context.source();
      if (source == null) {
        throw new IllegalArgumentException("Linformer: decoder_mode needs a source, found none");
      }
      return source;
    }

    /** Its real positions, [b,s]; null if all are. */
    @Nullable Operand<TBool> mask(Context<T> context) {
      return cross ? context.sourceMask() : context.mask();
    }

    @Override
    public <U extends TFloating> AttentionBody<U> map(Function<Operand<T>, Operand<U>> replace) {
      return new AttentionBody<>(attention.map(replace), cross);
    }
  }

  /** A feed-forward part. */
  record FeedForwardBody<T extends TFloating>(FeedForward<T> feedForward) implements Body<T> {
    @Override
    public LinearOutput<T> call(
        Ops tf, Operand<T> x, LinformerConfig config, Context<T> context, @Nullable RandomKey key) {
      return feedForward.callWithoutBias(tf, x, config.feedForwardDropout(), key); // [b,n,out]
    }

    @Override
    public <U extends TFloating> FeedForwardBody<U> map(Function<Operand<T>, Operand<U>> replace) {
      return new FeedForwardBody<>(feedForward.map(replace));
    }
  }

  /** The same with each weight replaced. */
  <U extends TFloating> Sublayer<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new Sublayer<>(
        body.map(replace),
        norm.map(replace),
        resample == null ? null : resample.map(replace),
        preNorm);
  }

  /** [b,n,c] → [b,n,out]. */
  Operand<T> call(
      Ops tf, Operand<T> x, LinformerConfig config, Context<T> context, @Nullable RandomKey key) {
    return join(tf, x, body.call(tf, input(tf, x), config, context, key)); // [b,n,out]
  }

  /** What f sees, [b,n,c]. */
  Operand<T> input(Ops tf, Operand<T> x) {
    return preNorm ? norm.call(tf, x) : x; // [b,n,c]
  }

  /** The residual and what is added to it, [b,n,out]. */
  Operand<T> join(Ops tf, Operand<T> x, LinearOutput<T> added) {
    Operand<T> residual = resample == null ? x : resample.call(tf, x); // [b,n,out]
    return preNorm
        ? tf.math.add(residual, added.sum(tf)) // [b,n,out]
        : norm.call(tf, residual, added); // [b,n,out]
  }
}
