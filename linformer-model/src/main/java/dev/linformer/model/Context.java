package dev.linformer.model;

import java.util.Map;
import java.util.function.Function;
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

  /** The empty context: every position is real, and there is no source. */
  public static <T extends TFloating> Context<T> none() {
    return new Context<>(null, null, null);
  }

  /**
   * Padding of the input, and no source.
   *
   * @param mask [b,n], true at real positions; null if all are
   */
  public static <T extends TFloating> Context<T> withMask(@Nullable Operand<TBool> mask) {
    return new Context<>(mask, null, null);
  }

  /**
   * A source whose positions are all real, and no padding of the input.
   *
   * @param source [b,s,c]
   */
  public static <T extends TFloating> Context<T> withSource(Operand<T> source) {
    return new Context<>(null, source, null);
  }

  /**
   * A source with padding, and no padding of the input.
   *
   * @param source [b,s,c]; null for no source
   * @param sourceMask [b,s], true at real positions; null if all are
   */
  public static <T extends TFloating> Context<T> withSource(
      @Nullable Operand<T> source, @Nullable Operand<TBool> sourceMask) {
    return new Context<>(null, source, sourceMask);
  }

  /** These masks, with another source in the place of the source if there is one. */
  <U extends TFloating> Context<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new Context<>(mask, source == null ? null : replace.apply(source), sourceMask);
  }

  /** Those of a model's inputs that are there. */
  static <T extends TFloating> Context<T> of(Map<String, Operand<?>> inputs) {
    return new Context<>(
        Model.find(inputs, Linformer.MASK),
        Model.find(inputs, Linformer.SOURCE),
        Model.find(inputs, Linformer.SOURCE_MASK));
  }
}
