package dev.linformer.ops.attention;

import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * What positions attend to: everything that depends on the source, the second step of {@link
 * AttentionSteps}.
 *
 * @param keys K'/√d [b,h,k,d], or [b,1,k,d] for all heads; W_Q·K'ᵀ/√d [b,c,h·k] if the plan folds
 *     queries, [b,h,k,c] if it has a kernel too
 * @param values V' of the shape of K'; V'·W_O [b,h·k,out] if the plan folds the output, [b,h,k,out]
 *     if it has a kernel too
 */
public record CompressedKeyValues<T extends TFloating>(Operand<T> keys, Operand<T> values) {

  /** Keys and values made of other operands, such as the stand-ins of a segment. */
  public <U extends TFloating> CompressedKeyValues<U> map(
      Function<Operand<T>, Operand<U>> replace) {
    return new CompressedKeyValues<>(replace.apply(keys), replace.apply(values));
  }
}
