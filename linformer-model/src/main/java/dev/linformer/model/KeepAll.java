package dev.linformer.model;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/** Nothing is computed again. */
record KeepAll() implements Checkpointing {

  @Override
  public <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x, SublayerCall<T> call) {
    return call.plain(tf, x); // [b,n,out]
  }
}
