package dev.linformer.model;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * What of a half layer is computed again in the backward pass, instead of being kept for it. What
 * is kept, as [n,c] a sequence: the half layer's input at C1 and C3, at C2 also the sum of its
 * heads.
 */
sealed interface Checkpointing permits KeepAll, WholeSublayer, ByHeads, ByPositions {

  /** The half layer's output, [b,n,c] → [b,n,out]. */
  <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, SublayerCall<T> call);

  /** What a configuration asks for. */
  static Checkpointing policy(LinformerConfig config) {
    return switch (config.checkpointLevel()) {
      case C0 -> new KeepAll();
      case C1 -> new WholeSublayer();
      case C2 -> new ByHeads(config.headsPerGroup());
      case C3 -> new ByPositions(config.chunk());
    };
  }
}
