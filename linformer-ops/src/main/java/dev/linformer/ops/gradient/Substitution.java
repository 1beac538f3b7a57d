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
  public <T extends TType> Operand<T> get(Operand<T> original) {
    Operand<T> replacement = orSame(original);
    if (!replacements.containsKey(original.asOutput())) {
      throw new IllegalArgumentException(
          "%s is used in a recomputed segment and is not one of its inputs"
              .formatted(original.op().name()));
    }
    return replacement;
  }

  /**
   * The stand-in of an input, or the operand itself: for layers of which the segment uses a part.
   * To use an operand that isn't an input is an error when gradients are taken.
   */
  @SuppressWarnings("unchecked") // a replacement is made with the original's type
  public <T extends TType> Operand<T> orSame(Operand<T> original) {
    return (Operand<T>) replacements.getOrDefault(original.asOutput(), original);
  }
}
