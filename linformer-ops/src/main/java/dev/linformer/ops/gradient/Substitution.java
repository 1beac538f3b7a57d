package dev.linformer.ops.gradient;

import java.util.HashMap;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.types.family.TType;

/** What stands for each input of a segment where its body is built. */
public final class Substitution {

  private final Map<Output<?>, Operand<?>> replacements = new HashMap<>();

  Substitution() {}

  void put(Operand<?> original, Operand<?> replacement) {
    replacements.put(original.asOutput(), replacement);
  }

  /**
   * The stand-in of an input.
   *
   * @throws IllegalArgumentException if the operand is not among the segment's inputs
   */
  @SuppressWarnings("unchecked") // a replacement is made with the original's type
  public <T extends TType> Operand<T> get(Operand<T> original) {
    Operand<?> replacement = replacements.get(original.asOutput());
    if (replacement == null) {
      throw new IllegalArgumentException(
          "%s is used in a recomputed segment and is not one of its inputs"
              .formatted(original.op().name()));
    }
    return (Operand<T>) replacement;
  }
}
