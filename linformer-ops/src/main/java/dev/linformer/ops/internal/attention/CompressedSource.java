package dev.linformer.ops.internal.attention;

import dev.linformer.ops.gradient.SegmentInput;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * The source as far as it is compressed before there are heads, the first step of {@link
 * AttentionSteps}.
 *
 * @param keys for keys: E·x [b,k,c], or [b,h,k,c] if every head has its own E; the source itself,
 *     [b,s,c], if it is compressed later
 * @param values for values: F·x, of a shape as that of {@code keys}
 */
public record CompressedSource<T extends TFloating>(Operand<T> keys, Operand<T> values) {

  /** A source made of other operands, such as the stand-ins of a segment. */
  public <U extends TFloating> CompressedSource<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new CompressedSource<>(replace.apply(keys), replace.apply(values));
  }

  /** Both as inputs of a segment in parts by heads. */
  public List<SegmentInput> byHeads() {
    return Stream.of(keys, values)
        .map(x -> x.shape().numDimensions() == 4 ? SegmentInput.along(x, 1) : SegmentInput.whole(x))
        .toList();
  }
}
