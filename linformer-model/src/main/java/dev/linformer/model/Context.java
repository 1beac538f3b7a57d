package dev.linformer.model;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * What a model is given beside its input.
 *
 * @param mask [b,n], true at the input's real positions; null if all are
 * @param source [b,s,c], what a decoder attends to; null for an encoder
 * @param sourceMask [b,s], true at the source's real positions; null if all are
 */
public record Context<T extends TFloating>(
    @Nullable Operand<TBool> mask,
    @Nullable Operand<T> source,
    @Nullable Operand<TBool> sourceMask) {

  /** Nothing: every position is real, and there is no source. */
  public static <T extends TFloating> Context<T> none() {
    return new Context<>(null, null, null);
  }

  /** An encoder's padding. */
  public static <T extends TFloating> Context<T> masked(@Nullable Operand<TBool> mask) {
    return new Context<>(mask, null, null);
  }

  /** Those of a model's inputs that are there. */
  static <T extends TFloating> Context<T> of(Map<String, Operand<?>> inputs) {
    return new Context<>(
        Model.find(inputs, Linformer.MASK),
        Model.find(inputs, Linformer.SOURCE),
        Model.find(inputs, Linformer.SOURCE_MASK));
  }
}
