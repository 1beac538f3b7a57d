package dev.linformer.ops.attention;

import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * What positions attend to: everything that depends on the source.
 *
 * @param keys K'/√d [b,h,k,d] (or [b,1,k,d] for all heads); folded with W_Q, [b,c,h·k]
 * @param values V' of the shape of K'; folded with W_O, [b,h·k,out]
 */
public record CompressedKeyValues<T extends TFloating>(Operand<T> keys, Operand<T> values) {

  /** The same with other operands. */
  public <U extends TFloating> CompressedKeyValues<U> map(
      Function<Operand<T>, Operand<U>> replace) {
    return new CompressedKeyValues<>(replace.apply(keys), replace.apply(values));
  }
}
