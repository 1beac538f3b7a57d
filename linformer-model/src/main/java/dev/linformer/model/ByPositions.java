package dev.linformer.model;

import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.attention.AttentionDropout;
import dev.linformer.ops.internal.attention.AttentionSteps;
import dev.linformer.ops.internal.attention.ContractionPlan;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.internal.attention.PrefixAttention;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * A half layer is one segment, some positions a part. What an attention's positions attend to is
 * made before, and is short.
 *
 * @param chunk positions of a part; null for a number that suits the shape
 */
record ByPositions(@Nullable Integer chunk) implements Checkpointing {

  private static final long WIDEST = 1 << 23; // values: 32 MiB in float32
  private static final long MOST_PARTS = 32;

  @Override
  public <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, SublayerCall<T> call) {
    return call.sublayer().body() instanceof Sublayer.AttentionBody<T> body
        ? attention(tf, x, call, body) // [b,n,c]
        : feedForward(tf, x, call); // [b,n,out]
  }

  private <T extends TFloating> Operand<T> attention(
      Ops tf, Operand<T> x, SublayerCall<T> call, Sublayer.AttentionBody<T> body) {
    MultiHeadWeights<T> attention = body.attention().weights();
    Operand<T> in = call.input(tf, x); // [b,n,c]
    Operand<T> source = body.source(in, call.context()); // [b,s,c]
    Operand<T> clean = Masks.zeroPadding(tf, source, body.mask(call.context())); // [b,s,c]
    long n = x.shape().get(1);
    long k = attention.sizes(n, source.shape().get(1)).k();
    ChunkPlan parts = parts(n, attention.heads() * k);
    Operand<TInt64> starts = starts(tf, parts); // [g]
    SegmentInputs<T> inputs =
        new SegmentInputs<T>()
            .add(SegmentInput.along(x, 1))
            .add(SegmentInput.along(in, 1))
            .whole(attention.queries().weight())
            .whole(attention.output().get(0).weight())
            .all(call.joinWeights(attention))
            .add(SegmentInput.row(starts, 0))
            .whole(call.seed());
    var inParts = new AttentionInParts<>(parts, inputs, call, body, x, in, clean, starts);
    return attention.byPrefix() ? inParts.causal(tf) : inParts.compressed(tf); // [b,n,c]
  }

  /**
   * An attention that is computed some positions at a time.
   *
   * @param inputs of the segment, without those of what positions attend to
   * @param x of the half layer, [b,n,c]
   * @param in what the attention sees, [b,n,c]
   * @param clean the source, zero at padded positions, [b,s,c]
   * @param starts the first position of each part, [g]
   */
  private record AttentionInParts<T extends TFloating>(
      ChunkPlan parts,
      SegmentInputs<T> inputs,
      SublayerCall<T> call,
      Sublayer.AttentionBody<T> body,
      Operand<T> x,
      Operand<T> in,
      Operand<T> clean,
      Operand<TInt64> starts) {

    /** A part attends to what all positions were compressed to. */
    Operand<T> compressed(Ops tf) {
      MultiHeadWeights<T> attention = body.attention().weights();
      Operand<TBool> mask = body.mask(call.context()); // [b,s]
      double dropout = call.config().dropout();
      AttentionSteps<T> steps = attention.steps();
      Operand<T> source = body.source(in, call.context()); // [b,s,c]
      ContractionPlan plan = steps.plan(in, source, mask, dropout, call.key());
      var compressed =
          steps.compress(tf, steps.compressSource(tf, clean, plan), plan, parts.perPart());
      inputs.whole(compressed.keys()).whole(compressed.values()).whole(mask);
      return Recompute.parts(
          tf,
          parts,
          inputs.list(),
          (inner, replaced) -> {
            Operand<TInt64> start = scalar(inner, replaced.get(starts));
            Operand<T> y =
                attention
                    .map(replaced::getOrPlaceholder)
                    .steps()
                    .attend(
                        inner,
                        replaced.get(in),
                        compressed.map(replaced::get),
                        plan,
                        SegmentInputs.find(replaced, mask),
                        new AttentionDropout(
                            dropout, call.key(replaced), null, start)); // [b,m,out]
            return call.join(inner, replaced, attention, replaced.get(x), y, start); // [b,m,c]
          });
    }

    /** A part attends to its own positions and the sums of all before. */
    Operand<T> causal(Ops tf) {
      MultiHeadWeights<T> whole = body.attention().weights();
      var before = PrefixAttention.prefixes(tf, whole, clean, parts.perPart()); // [b,h,g,k,d]
      MultiHeadWeights<T> attention = PrefixAttention.columns(tf, whole, x.shape().get(1));
      inputs
          .add(SegmentInput.along(clean, 1))
          .add(SegmentInput.row(before.keys(), 2))
          .add(SegmentInput.row(before.values(), 2))
          .all(PrefixAttention.byPositions(attention))
          .weights(attention.keys()::map)
          .weights(attention.values()::map);
      return Recompute.parts(
          tf,
          parts,
          inputs.list(),
          (inner, replaced) -> {
            Operand<TInt64> start = scalar(inner, replaced.get(starts));
            Operand<T> y =
                PrefixAttention.attend(
                    inner,
                    attention.map(replaced::getOrPlaceholder),
                    replaced.get(in),
                    replaced.get(clean),
                    before.map(sums -> row(inner, replaced.get(sums))),
                    new AttentionDropout(
                        call.config().dropout(), call.key(replaced), null, start)); // [b,m,out]
            return call.join(inner, replaced, whole, replaced.get(x), y, start); // [b,m,c]
          });
    }
  }

  private <T extends TFloating> Operand<T> feedForward(Ops tf, Operand<T> x, SublayerCall<T> call) {
    ChunkPlan parts = parts(x.shape().get(1), call.config().feedForwardDim());
    Operand<TInt64> starts = starts(tf, parts); // [g]
    SegmentInputs<T> inputs =
        new SegmentInputs<T>()
            .add(SegmentInput.along(x, 1))
            .weights(call.sublayer()::map)
            .add(SegmentInput.row(starts, 0))
            .whole(call.seed());
    return Recompute.parts(
        tf,
        parts,
        inputs.list(),
        (inner, replaced) -> {
          RandomKey key = call.key(replaced);
          return call.sublayer()
              .map(replaced::get)
              .call(
                  inner,
                  replaced.get(x),
                  call.config(),
                  Context.none(),
                  key == null ? null : key.at(scalar(inner, replaced.get(starts)))); // [b,m,out]
        });
  }

  /**
   * @param widest values of a position in the widest tensor
   */
  private ChunkPlan parts(long n, long widest) {
    return new ChunkPlan(n, chunk == null ? defaultChunk(n, widest) : Math.min(chunk, n), 1);
  }

  /** A power of two, so that the widest tensor of a part has 32 MiB, but not over 32 parts. */
  private static long defaultChunk(long n, long widest) {
    long fitting = Long.highestOneBit(Math.max(1, WIDEST / widest));
    long fewEnough = Long.highestOneBit(Math.max(1, (n - 1) / MOST_PARTS)) * 2;
    return Math.min(n, Math.max(fitting, fewEnough));
  }

  /** Number of the first position of each part, [g]. */
  private static Operand<TInt64> starts(Ops tf, ChunkPlan parts) {
    return tf.constant(
        LongStream.range(0, parts.count()).map(part -> part * parts.perPart()).toArray());
  }

  /** [1] → []; of a segment that is one part, its only start. */
  private static Operand<TInt64> scalar(Ops tf, Operand<TInt64> start) {
    return tf.reshape(start, tf.constant(new int[0]));
  }

  /** [b,h,1,k,d] → [b,h,k,d]. */
  private static <T extends TFloating> Operand<T> row(Ops tf, Operand<T> x) {
    long[] sizes = x.shape().asArray();
    return Shapes.reshape(tf, x, sizes[0], sizes[1], sizes[3], sizes[4]);
  }
}
