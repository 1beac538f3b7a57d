package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.gradient.Substitution;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * A half layer and what it is called with, and the pieces that segments are made of.
 *
 * @param sublayer what is computed
 * @param config sizes and rates
 * @param context what the model is given
 * @param key null outside training
 */
record SublayerCall<T extends TFloating>(
    Sublayer<T> sublayer, LinformerConfig config, Context<T> context, @Nullable RandomKey key) {

  /** With everything kept, [b,n,c] → [b,n,out]. */
  Operand<T> plain(Ops tf, Operand<T> x) {
    return sublayer.call(tf, x, config, context, key); // [b,n,out]
  }

  /** The key's seed, an input of segments. */
  @Nullable Operand<TInt64> seed() {
    return key == null ? null : key.seed();
  }

  /** The key inside a segment. */
  @Nullable RandomKey key(Substitution replaced) {
    return key == null ? null : key.seededBy(replaced.get(key.seed()));
  }

  /** What of the context the sublayer uses. */
  Context<T> usedContext() {
    if (!(sublayer.body() instanceof Sublayer.AttentionBody<T> attention)) {
      return Context.none();
    }
    return attention.cross()
        ? Context.withSource(context.source(), context.sourceMask())
        : Context.withMask(context.mask());
  }

  /** What the body sees, [b,n,c]; the norm before an attention is computed again too. */
  Operand<T> input(Ops tf, Operand<T> x) {
    return sublayer.preNorm()
        ? Recompute.call(
            tf,
            new SegmentInputs<T>().whole(x).weights(sublayer.norm()::map).operands(),
            (inner, replaced) ->
                sublayer.norm().map(replaced::get).call(inner, replaced.get(x))) // [b,n,c]
        : x;
  }

  /**
   * What comes after an attention's sum over heads, inside a segment.
   *
   * @param y the sum over heads, [b,m,out]
   * @param from number of the first position; null if it is 0
   * @return [b,m,c]
   */
  Operand<T> join(
      Ops tf,
      Substitution replaced,
      MultiHeadWeights<T> attention,
      Operand<T> x,
      Operand<T> y,
      @Nullable Operand<TInt64> from) {
    RandomKey inner = key(replaced);
    LinearOutput<T> added =
        attention
            .map(replaced::getOrPlaceholder)
            .steps()
            .finish(tf, y, config.dropout(), inner == null ? null : inner.at(from)); // [b,m,c]
    return sublayer.map(replaced::getOrPlaceholder).join(tf, x, added); // [b,m,c]
  }

  /** The weights of {@link #join}. */
  List<SegmentInput> joinWeights(MultiHeadWeights<T> attention) {
    SegmentInputs<T> inputs = new SegmentInputs<>();
    List<Dense<T>> maps = attention.output();
    inputs.whole(maps.get(0).bias());
    maps.subList(1, maps.size()).forEach(map -> inputs.weights(map::map));
    Dense<T> resample = sublayer.resample();
    if (resample != null) {
      inputs.weights(resample::map);
    }
    if (!sublayer.preNorm()) {
      inputs.weights(sublayer.norm()::map);
    }
    return inputs.list();
  }
}
