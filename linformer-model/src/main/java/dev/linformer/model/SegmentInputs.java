package dev.linformer.model;

import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.gradient.Substitution;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * Collects the inputs of a segment; a second entry of the same operand changes nothing.
 *
 * @param <T> type of the weights
 */
final class SegmentInputs<T extends TFloating> {

  /** The map method of a layer. */
  interface Layer<T extends TFloating> {
    Object map(Function<Operand<T>, Operand<T>> replace);
  }

  private final Map<Output<?>, SegmentInput> inputs = new LinkedHashMap<>();

  SegmentInputs<T> add(SegmentInput input) {
    inputs.putIfAbsent(input.operand().asOutput(), input);
    return this;
  }

  /** An input that every part sees whole, if there is one. */
  SegmentInputs<T> whole(@Nullable Operand<?> operand) {
    return operand == null ? this : add(SegmentInput.whole(operand));
  }

  SegmentInputs<T> all(List<SegmentInput> others) {
    others.forEach(this::add);
    return this;
  }

  /** All weights of a layer, whole. */
  SegmentInputs<T> weights(Layer<T> layer) {
    layer.map(
        weight -> {
          whole(weight);
          return weight;
        });
    return this;
  }

  List<? extends Operand<?>> operands() {
    return inputs.values().stream().map(SegmentInput::operand).toList();
  }

  List<SegmentInput> list() {
    return List.copyOf(inputs.values());
  }

  /** The stand-in of an input that there may be. */
  static <U extends TType> @Nullable Operand<U> find(
      Substitution replaced, @Nullable Operand<U> operand) {
    return operand == null ? null : replaced.get(operand);
  }
}
