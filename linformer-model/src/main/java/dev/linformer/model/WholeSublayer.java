package dev.linformer.model;

import dev.linformer.ops.gradient.Recompute;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** A half layer is one segment; its input is kept. */
record WholeSublayer() implements Checkpointing {

  @Override
  public <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, SublayerCall<T> call) {
    Context<T> used = call.usedContext();
    SegmentInputs<T> inputs =
        new SegmentInputs<T>()
            .whole(x)
            .whole(used.source())
            .weights(call.sublayer()::map)
            .whole(used.mask())
            .whole(used.sourceMask())
            .whole(call.seed());
    return Recompute.call(
        tf,
        inputs.operands(),
        (inner, replaced) ->
            call.sublayer()
                .map(replaced::get)
                .call(
                    inner,
                    replaced.get(x),
                    call.config(),
                    new Context<>(
                        SegmentInputs.find(replaced, used.mask()),
                        SegmentInputs.find(replaced, used.source()),
                        SegmentInputs.find(replaced, used.sourceMask())),
                    call.key(replaced))); // [b,n,out]
  }
}
