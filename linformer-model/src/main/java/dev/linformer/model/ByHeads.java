package dev.linformer.model;

import dev.linformer.ops.Masks;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.attention.AttentionDropout;
import dev.linformer.ops.internal.attention.ContractionPlan;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import java.util.stream.LongStream;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * An attention's sum over heads is one segment, some heads a part; what comes after it is another.
 * A feed-forward part has no heads, and is one segment.
 *
 * @param headsPerPart heads that are computed at a time
 */
record ByHeads(int headsPerPart) implements Checkpointing {

  @Override
  public <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, SublayerCall<T> call) {
    return call.sublayer().body() instanceof Sublayer.AttentionBody<T> body
        ? attention(tf, x, call, body) // [b,n,c]
        : new WholeSublayer().call(tf, x, call); // [b,n,out]
  }

  private <T extends TFloating> Operand<T> attention(
      Ops tf, Operand<T> x, SublayerCall<T> call, Sublayer.AttentionBody<T> body) {
    MultiHeadWeights<T> attention = body.attention().weights();
    double dropout = call.config().dropout();
    Operand<T> in = call.input(tf, x); // [b,n,c]
    Operand<T> source = body.source(in, call.context()); // [b,s,c]
    Operand<TBool> mask = body.mask(call.context()); // [b,s]
    ContractionPlan plan = attention.steps().plan(in, source, mask, dropout, call.key());
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    var early = attention.steps().compressSource(tf, clean, plan);
    long h = attention.heads();
    Operand<TInt64> numbers = tf.constant(LongStream.range(0, h).toArray()); // [h]
    SegmentInputs<T> inputs =
        new SegmentInputs<T>()
            .whole(in)
            .all(early.byHeads())
            .all(attention.steps().weightsByHeads())
            .whole(mask)
            .add(SegmentInput.along(numbers, 0))
            .whole(call.seed());
    Operand<T> y =
        Recompute.parts(
            tf,
            new ChunkPlan(h, headsPerPart, ChunkPlan.SUM),
            inputs.list(),
            (inner, replaced) ->
                attention
                    .map(replaced::getOrPlaceholder)
                    .steps()
                    .heads(
                        inner,
                        replaced.get(in),
                        early.map(replaced::get),
                        plan,
                        SegmentInputs.find(replaced, mask),
                        new AttentionDropout(
                            dropout,
                            call.key(replaced),
                            replaced.get(numbers),
                            null))); // [b,n,out]
    return Recompute.call(
        tf,
        new SegmentInputs<T>()
            .whole(y)
            .whole(x)
            .all(call.joinWeights(attention))
            .whole(call.seed())
            .operands(),
        (inner, replaced) ->
            call.join(
                inner, replaced, attention, replaced.get(x), replaced.get(y), null)); // [b,n,c]
  }
}
