package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.projection.CompressedKeyValues;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * A {@link dev.linformer.ops.attention.MultiHeadAttention} one step at a time, for who computes it
 * in parts: {@link #compressSource}, {@link #compress}, {@link #attend} and {@link #finish}, all by
 * one {@link #plan}. The second and third together, {@link #heads}, can be computed some heads at a
 * time, the third some positions at a time. Causal attention through a projection has {@link
 * PrefixAttention} in place of these two.
 */
public record AttentionSteps<T extends TFloating>(MultiHeadWeights<T> attention) {

  /**
   * The order in which products are computed, chosen by cost unless the attention has a forced one.
   *
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]
   * @param mask [b,s], or null
   * @param dropout rate of the dropout on P̄
   * @param key null outside training; then there is no backward pass either
   */
  public ContractionPlan plan(
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    long s = source.shape().get(1);
    ContractionPlan plan = order(x.shape().get(1), s, key != null);
    boolean all = attention.visibility() == Visibility.ALL && !attention.hides(mask);
    boolean drops = key != null && dropout > 0;
    return attention.backend() == Backend.GPU_KERNELS && attention.forced() == null && all && !drops
        ? plan.inKernel(attention.sizes(x.shape().get(1), s), x)
        : plan;
  }

  /** The cheapest order without kernels, or the forced one. */
  public ContractionPlan order(long n, long s, boolean training) {
    ContractionPlan forced = attention.forced();
    return forced != null ? forced : ContractionPlan.choose(attention.sizes(n, s), training);
  }

  /**
   * The first step: the source as far as it is compressed before there are heads.
   *
   * @param source [b,s,c], zero at padded positions
   * @return for keys and for values [b,k,c], [b,h,k,c] or, not compressed yet, [b,s,c]
   */
  public CompressedSource<T> compressSource(Ops tf, Operand<T> source, ContractionPlan plan) {
    return KeyValueProjection.compressSource(tf, attention, source, plan);
  }

  /**
   * The second step: K' and V' of all heads, multiplied by W_Q and W_O if the plan says so.
   *
   * @param source of {@link #compressSource} by the same plan
   * @param positions how many are compressed at a time where keys and values of all positions are
   *     needed for it, as for convolutions; they are computed again in the backward pass. 0: all,
   *     and nothing is computed again
   */
  public CompressedKeyValues<T> compress(
      Ops tf, CompressedSource<T> source, ContractionPlan plan, long positions) {
    return KeyValueProjection.compress(tf, attention, source, plan, positions);
  }

  /**
   * The third step: queries, {@link LinearAttention} and the output's first map.
   *
   * @param x some of the positions, [b,m,c]
   * @param compressed of {@link #compress} by the same plan
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout on P̄, and which heads and positions these are
   * @return [b,m,out], out the width of the output's first map, without its bias
   */
  public Operand<T> attend(
      Ops tf,
      Operand<T> x,
      CompressedKeyValues<T> compressed,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      AttentionDropout dropout) {
    return PlannedAttention.attend(tf, attention, x, compressed, plan, mask, dropout);
  }

  /**
   * The second and third step together: the sum over heads of P̄·V'·W_O, without the output's bias.
   *
   * @param x [b,n,c]
   * @param source of {@link #compressSource} by the same plan
   * @param mask [b,s], true at the source's real positions
   * @param dropout on P̄, and the numbers of these heads
   * @return [b,n,out], out the width of the output's first map
   */
  public Operand<T> heads(
      Ops tf,
      Operand<T> x,
      CompressedSource<T> source,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      AttentionDropout dropout) {
    if (attention.byPrefix()) {
      return PrefixAttention.attend(tf, attention, x, source.keys(), null, dropout); // [b,n,out]
    }
    return attend(tf, x, compress(tf, source, plan, 0), plan, mask, dropout); // [b,n,out]
  }

  /**
   * The last step: the output's bias, its second map, dropout.
   *
   * @param y of {@link #attend}, [b,n,out]
   * @param dropout rate of the dropout on the output, in [0,1)
   * @param key null outside training; this takes its place 1
   * @return [b,n,c], the last bias not yet added, unless a dropout comes after it
   */
  public LinearOutput<T> finish(Ops tf, Operand<T> y, double dropout, @Nullable RandomKey key) {
    List<Dense<T>> output = attention.output();
    LinearOutput<T> z = new LinearOutput<>(y, output.get(0).bias(), y.shape()); // [b,n,out]
    for (Dense<T> map : output.subList(1, output.size())) {
      z = map.callWithoutBias(tf, z.sum(tf)); // [b,n,c] after the last
    }
    return Dropout.apply(tf, z, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }

  /** The weights that {@link #heads} uses, as inputs of a segment in parts by heads. */
  public List<SegmentInput> weightsByHeads() {
    List<SegmentInput> inputs = new ArrayList<>();
    inputs.add(SegmentInput.along(attention.queries().weight(), 0));
    for (Dense<T> dense : List.of(attention.keys(), attention.values())) {
      inputs.add(
          attention.keyHeads() == 1 && attention.heads() > 1
              ? SegmentInput.whole(dense.weight())
              : SegmentInput.along(dense.weight(), 0));
    }
    for (SequenceProjection<T> projection :
        List.of(attention.keyProjection(), attention.valueProjection())) {
      projection.map(
          weight -> {
            inputs.add(
                projection.perHead() ? SegmentInput.along(weight, 0) : SegmentInput.whole(weight));
            return weight;
          });
    }
    inputs.add(SegmentInput.along(attention.output().get(0).weight(), 1));
    return inputs;
  }
}
