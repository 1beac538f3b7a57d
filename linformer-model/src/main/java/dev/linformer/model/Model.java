package dev.linformer.model;

import dev.linformer.ops.RandomKey;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * A model on its weights, ready to be built into a graph any number of times.
 *
 * @param <I> type of the input
 * @param <T> type of weights and output
 */
public interface Model<I extends TType, T extends TFloating> {

  /** The input's name in signatures. */
  String inputName();

  /** The output's name in signatures. */
  String outputName();

  /** TFloat32 and the like for vectors, TInt32 for tokens. */
  Class<I> inputType();

  /** The shape of the input; its first axis, the batch, is unknown. */
  Shape inputShape();

  /**
   * Adds the model to the graph.
   *
   * @param key source of the dropout masks; null outside training, which adds no dropout at all
   */
  Operand<T> call(Ops tf, Operand<I> input, @Nullable RandomKey key);
}
