package dev.linformer.model.data;

import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;
import org.tensorflow.types.family.TType;

/**
 * What a model is trained for: the arrays that a batch has, and the loss that follows from the
 * model's output.
 *
 * <p>{@link #classPerSequence} and {@link #classPerPosition} are there. One of a program's own, for
 * an encoder with a head that tells a number [b] of vectors [b,n,c]:
 *
 * <pre>{@code
 * record SquaredError(int n, int c) implements Objective {
 *   public List<Field> fields(ModelConfig model) {
 *     return List.of(Field.floats("x", n, c), Field.floats("wanted")); // [b,n,c] and [b]
 *   }
 *
 *   public Scorer declare(ParameterFactory<TFloat32> weights, ModelConfig config) {
 *     Dense<TFloat32> head = Dense.declare(weights, "head", c, 1);
 *     return (tf, model, batch, key) -> {
 *       Operand<TFloat32> wanted = Model.require(batch, "wanted"); // [b]
 *       Operand<TFloat32> y = model.call(tf, Map.of("inputs", Model.require(batch, "x")), key);
 *       Operand<TFloat32> pooled = tf.math.mean(y, tf.constant(1)); // [b,c]
 *       Operand<TFloat32> told = tf.reshape(head.call(tf, pooled), tf.constant(new int[] {-1})); // [b]
 *       Operand<TFloat32> errors = tf.math.abs(tf.math.sub(told, wanted)); // [b]
 *       Operand<TFloat32> loss = tf.math.mean(tf.math.square(errors), tf.constant(0)); // scalar
 *       return new Score(loss, tf.sum(errors, tf.constant(0)));
 *     };
 *   }
 * }
 * }</pre>
 *
 * <p>Its batches are {@code Batch.builder(b).floats("x", …).floats("wanted", …).build(b)}. With XLA
 * every batch has one size, and a smaller one is filled up with zeros: an objective that is
 * measured there takes a field of weights, 1 for each example, and multiplies the errors by it.
 *
 * @see Batch#builder
 */
public interface Objective {

  /**
   * An array of every batch.
   *
   * @param name in {@link Batch#builder} and for {@link Scorer#score}
   * @param type TInt32 or TFloat32
   * @param shape its first axis is the batch, of unknown size
   */
  record Field(String name, Class<? extends TType> type, Shape shape) {

    /**
     * Float32 numbers [b,…].
     *
     * @param sizes of the axes behind the batch
     */
    public static Field floats(String name, long... sizes) {
      return new Field(name, TFloat32.class, batched(sizes));
    }

    /**
     * Whole numbers [b,…] of 32 bits.
     *
     * @param sizes of the axes behind the batch
     */
    public static Field ints(String name, long... sizes) {
      return new Field(name, TInt32.class, batched(sizes));
    }

    private static Shape batched(long... sizes) {
      long[] all = new long[sizes.length + 1];
      all[0] = Shape.UNKNOWN_SIZE;
      System.arraycopy(sizes, 0, all, 1, sizes.length);
      return Shape.of(all);
    }
  }

  /**
   * How a model does on a batch.
   *
   * @param loss the mean over the targets that count, a scalar; training lowers it
   * @param metric a number that people watch, such as right answers, added up over the targets that
   *     count, a scalar of int32 or float32; its mean is what reports call accuracy
   */
  record Score(Operand<TFloat32> loss, Operand<? extends TNumber> metric) {}

  /** An objective on its weights. */
  @FunctionalInterface
  interface Scorer {
    /**
     * Adds model and loss to a graph; called once for training and once for evaluation.
     *
     * @param batch an operand for each field, by its name
     * @param key source of the dropout masks; null in evaluation
     */
    Score score(
        Ops tf, Model<TFloat32> model, Map<String, Operand<?>> batch, @Nullable RandomKey key);
  }

  /** The arrays that a batch has for a model. */
  List<Field> fields(ModelConfig model);

  /**
   * Asks for the weights of the objective's own, a head for instance, behind those of the model.
   */
  Scorer declare(ParameterFactory<TFloat32> weights, ModelConfig model);

  /** Whether the model is told where sequences end; then an export is, too. */
  default boolean masked() {
    return false;
  }

  /**
   * Cross-entropy of a class for each sequence: fields {@code tokens} [b,n] and {@code targets}
   * [b], and {@code lengths} [b] if there is a mask.
   *
   * @param masked whether the model is told where sequences end
   */
  static Objective classPerSequence(boolean masked) {
    return new ClassObjective(false, masked);
  }

  /**
   * Cross-entropy of a class, or a token, at each position: fields {@code tokens} and {@code
   * targets} [b,n], and {@code lengths} [b] if there is a mask.
   *
   * @param masked whether the model is told where sequences end
   */
  static Objective classPerPosition(boolean masked) {
    return new ClassObjective(true, masked);
  }
}
