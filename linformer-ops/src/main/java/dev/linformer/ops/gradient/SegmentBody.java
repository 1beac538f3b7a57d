package dev.linformer.ops.gradient;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * What a segment computes. It is built more than once, in graphs of its own too, so it uses no
 * operand but those that {@link Substitution#get} gives it, and does nothing but add operations.
 */
@FunctionalInterface
public interface SegmentBody<T extends TFloating> {

  /**
   * @param tf where operations go
   * @param inputs gives the stand-in of each input
   */
  Operand<T> call(Ops tf, Substitution inputs);
}
