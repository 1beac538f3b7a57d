package dev.linformer.ops.projection;

import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * What positions attend to: keys and values of a source, compressed to k positions, everything of
 * an attention that depends on the source. A decoder keeps it while it goes position by position.
 *
 * @param keys K'/√d [b,h,k,d], or [b,1,k,d] for all heads. Inside an attention that multiplies them
 *     with W_Q first, W_Q·K'ᵀ/√d [b,c,h·k], or [b,h,k,c] for a kernel
 * @param values V' of the shape of K'. Inside an attention that multiplies them with W_O first,
 *     V'·W_O [b,h·k,out], or [b,h,k,out] for a kernel
 */
public record CompressedKeyValues<T extends TFloating>(Operand<T> keys, Operand<T> values) {

  /** Keys and values made of other operands, such as the stand-ins of a segment. */
  public <U extends TFloating> CompressedKeyValues<U> map(
      Function<Operand<T>, Operand<U>> replace) {
    return new CompressedKeyValues<>(replace.apply(keys), replace.apply(values));
  }
}
