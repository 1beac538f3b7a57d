package dev.linformer.model;

import dev.linformer.ops.RandomKey;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * A model on its weights, ready to be built into a graph any number of times; what all kinds of
 * model have in common. Each has a {@code call} of its own with an argument for each input.
 *
 * @param <T> type of weights and output
 */
public interface Model<T extends TFloating> {

  /**
   * An input.
   *
   * @param name in signatures
   * @param type TFloat32 and the like for vectors, TInt32 for tokens, TBool for masks
   * @param shape first axis, the batch, unknown
   * @param vocabulary tokens are below it; 0 for other inputs
   * @param optional whether it may be left out
   */
  record Input(
      String name, Class<? extends TType> type, Shape shape, int vocabulary, boolean optional) {

    static Input vectors(String name, Class<? extends TType> type, long n, long c) {
      return new Input(name, type, Shape.of(Shape.UNKNOWN_SIZE, n, c), 0, false);
    }

    static Input tokens(String name, long n, int vocabulary) {
      return new Input(name, TInt32.class, Shape.of(Shape.UNKNOWN_SIZE, n), vocabulary, false);
    }

    static Input mask(String name, long n) {
      return new Input(name, TBool.class, Shape.of(Shape.UNKNOWN_SIZE, n), 0, true);
    }
  }

  /** What the model takes, the main input first. */
  List<Input> inputs();

  /** The output's name in signatures. */
  String outputName();

  /**
   * Adds the model to the graph.
   *
   * @param inputs by name; those that are optional may be absent
   * @param key source of the dropout masks; null outside training, which adds no dropout at all
   */
  Operand<T> call(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key);

  /**
   * What {@link #head} makes the output of: a vector for every position, or for every sequence.
   * {@code head(embed(inputs))} is {@link #call}.
   *
   * @return [b,n,e], or [b,c] of a classifier
   */
  default Operand<T> embed(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return call(tf, inputs, key);
  }

  /**
   * The model's last map, from embeddings to logits; nothing at all if it has none.
   *
   * @param embeddings of {@link #embed}
   */
  default Operand<T> head(Ops tf, Operand<T> embeddings) {
    return embeddings;
  }

  /** An input that must be there. */
  @SuppressWarnings("unchecked") // inputs() says of which type it is
  static <I extends TType> Operand<I> require(Map<String, Operand<?>> inputs, String name) {
    Operand<?> input = inputs.get(name);
    if (input == null) {
      throw new IllegalArgumentException("input " + name + " is missing");
    }
    return (Operand<I>) input;
  }

  /** An input that may be absent. */
  static <I extends TType> @Nullable Operand<I> find(Map<String, Operand<?>> inputs, String name) {
    return inputs.containsKey(name) ? require(inputs, name) : null;
  }
}
