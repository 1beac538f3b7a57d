package dev.linformer.export;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.export.ServingSignature.NamedOperand;
import dev.linformer.model.Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * A model's inputs as placeholders. For sequences of any length they are filled up to n behind
 * them, since a graph's sizes are fixed but for the batch, and results are cut back.
 */
final class ServingInputs {

  private final Ops tf;
  private final List<NamedOperand> placeholders = new ArrayList<>();
  private final Map<String, Operand<?>> forModel = new LinkedHashMap<>();

  /** Masks among the inputs only where the lengths want them. */
  ServingInputs(Ops tf, List<Model.Input> inputs, Lengths lengths) {
    this.tf = tf;
    for (Model.Input input : inputs) {
      if (input.optional() && lengths == Lengths.FIXED) {
        continue;
      }
      long[] sizes = input.shape().asArray();
      if (lengths == Lengths.ANY) {
        sizes[1] = Shape.UNKNOWN_SIZE;
      }
      Operand<?> placeholder =
          tf.withName(input.name()).placeholder(input.type(), Placeholder.shape(Shape.of(sizes)));
      placeholders.add(new NamedOperand(input.name(), placeholder, meaning(input)));
      forModel.put(
          input.name(), lengths == Lengths.ANY ? fill(placeholder, input.shape()) : placeholder);
    }
  }

  private static String meaning(Model.Input input) {
    if (input.vocabulary() > 0) {
      return "token ids from 0 to " + (input.vocabulary() - 1);
    }
    return input.type() == TBool.class ? "true at real positions" : "vectors";
  }

  /** What a caller feeds. */
  List<NamedOperand> placeholders() {
    return Collections.unmodifiableList(placeholders);
  }

  /** What the model takes, each with n positions. */
  Map<String, Operand<?>> forModel() {
    return Collections.unmodifiableMap(forModel);
  }

  @SuppressWarnings("unchecked") // told apart by the placeholder's type
  private Operand<?> fill(Operand<?> x, Shape full) {
    if (x.type() == TBool.class) {
      return fill((Operand<TBool>) x, tf.constant(false), full);
    }
    return x.type() == TInt32.class
        ? fill((Operand<TInt32>) x, tf.constant(0), full)
        : fill((Operand<TFloat32>) x, tf.constant(0f), full);
  }

  /** [b,m] or [b,m,c] → [b,n] or [b,n,c]. */
  private <T extends TType> Operand<T> fill(Operand<T> x, Operand<T> value, Shape full) {
    int rank = full.numDimensions();
    Operand<TInt32> missing =
        tf.math.sub(tf.constant(new int[] {Math.toIntExact(full.get(1))}), length(x)); // [1]
    Operand<TInt32> flat =
        tf.concat(
            List.of(tf.constant(new int[3]), missing, tf.constant(new int[2 * rank - 4])),
            tf.constant(0)); // [2·rank]
    Operand<TInt32> paddings = tf.reshape(flat, tf.constant(new int[] {rank, 2})); // [rank,2]
    Operand<T> padded = tf.pad(x, paddings, value); // [b,n] or [b,n,c]
    return tf.reshape(padded, tf.constant(ints(full.asArray()))); // the same, known to be
  }

  /** m, [1]. */
  private Operand<TInt32> length(Operand<?> x) {
    return tf.slice(
        tf.shape(x, TInt32.class), tf.constant(new int[] {1}), tf.constant(new int[] {1}));
  }

  /**
   * Cuts a result back to an input's length.
   *
   * @param axis of the positions
   * @param as name of the input
   */
  Operand<TFloat32> cut(Operand<TFloat32> y, int axis, String as) {
    Operand<?> input =
        placeholders.stream()
            .filter(each -> each.name().equals(as))
            .findFirst()
            .orElseThrow()
            .operand();
    if (input.shape().get(1) != Shape.UNKNOWN_SIZE) {
      return y;
    }
    int[] sizes = ints(y.shape().asArray());
    Operand<TInt32> size =
        tf.concat(
            List.of(
                tf.constant(Arrays.copyOf(sizes, axis)),
                length(input),
                tf.constant(Arrays.copyOfRange(sizes, axis + 1, sizes.length))),
            tf.constant(0)); // [rank]
    return tf.slice(y, tf.constant(new int[sizes.length]), size); // m in the place of n
  }

  private static int[] ints(long[] sizes) {
    return Arrays.stream(sizes).mapToInt(Math::toIntExact).toArray();
  }
}
