package dev.linformer.ops.gradient;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.types.family.TType;

/** What stands for each input of a segment where its body is built. */
public final class Substitution {

  private final Map<Output<?>, Operand<?>> inputs = new HashMap<>();
  private final Function<Operand<?>, Operand<?>> bystander;

  /**
   * @param bystander gives what stands for an operand that isn't an input
   */
  Substitution(Function<Operand<?>, Operand<?>> bystander) {
    this.bystander = bystander;
  }

  void put(Operand<?> original, Operand<?> replacement) {
    inputs.put(original.asOutput(), replacement);
  }

  /**
   * The stand-in of an input.
   *
   * @throws IllegalArgumentException if the operand is not among the segment's inputs
   */
  @SuppressWarnings("unchecked") // a replacement is made with the original's type
  public <T extends TType> Operand<T> get(Operand<T> original) {
    Operand<?> replacement = inputs.get(original.asOutput());
    if (replacement == null) {
      throw new IllegalArgumentException(
          "%s is used in a recomputed segment and is not one of its inputs"
              .formatted(original.op().name()));
    }
    return (Operand<T>) replacement;
  }

  /**
   * The stand-in of an input, or of any other operand something of its shape that must not be used:
   * for layers of which the segment computes a part.
   */
  @SuppressWarnings("unchecked") // a replacement is made with the original's type
  public <T extends TType> Operand<T> getOrPlaceholder(Operand<T> original) {
    Operand<?> replacement = inputs.get(original.asOutput());
    return (Operand<T>) (replacement == null ? bystander.apply(original) : replacement);
  }
}
