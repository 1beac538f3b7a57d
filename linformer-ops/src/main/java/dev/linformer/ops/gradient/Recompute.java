package dev.linformer.ops.gradient;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * Segments of a graph whose insides are computed again for the backward pass instead of being kept
 * for it (arXiv 1604.06174). Gradients are the same; memory is that of a segment's inputs, and of
 * the insides of one segment at a time.
 *
 * <p>It is for graphs in Java what {@code tf.recompute_grad} is in Python. Nothing changes for who
 * takes the gradients:
 *
 * <pre>{@code
 * Operand<TFloat32> y =
 *     Recompute.call(tf, List.of(x, w),
 *         (inner, inputs) -> inner.math.tanh(inner.linalg.matMul(inputs.get(x), inputs.get(w))));
 * Gradients gradients = tf.gradients(y, List.of(w));
 * }</pre>
 *
 * Segments nest. Randomness inside has to be a function of inputs, as TensorFlow's stateless
 * operations are. Safe in many threads, each with a graph of its own.
 */
public final class Recompute {

  private Recompute() {}

  /**
   * A segment that is one part, as {@code tf.recompute_grad(body)(inputs)}.
   *
   * @param inputs every operand that the body uses, weights included, of any shape and type
   * @param body what is computed
   * @return the body's output, of its shape
   * @throws UnsupportedOperationException on Windows, where TensorFlow Java has no custom gradients
   * @throws IllegalStateException if other code in this process has taken all ten custom gradients
   *     that TensorFlow Java has room for
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf, List<? extends Operand<?>> inputs, SegmentBody<T> body) {
    return parts(tf, ChunkPlan.ONE, inputs.stream().map(SegmentInput::whole).toList(), body);
  }

  /**
   * A segment in parts that are computed one after another, forward and backward, so that the
   * insides of one of them exist at a time.
   *
   * @param parts how it is cut, and what is made of the parts' outputs
   * @param inputs every operand that the body uses, weights included; the one with most work behind
   *     it first
   * @param body what is computed of a part
   * @return the parts' outputs, put together along {@link ChunkPlan#outputAxis} or added
   * @throws IllegalArgumentException if an input cannot be cut as the parts are
   * @throws UnsupportedOperationException as {@link #call}
   * @throws IllegalStateException as {@link #call}
   */
  public static <T extends TFloating> Operand<T> parts(
      Ops tf, ChunkPlan parts, List<SegmentInput> inputs, SegmentBody<T> body) {
    return new Segment<>(
            parts, inputs.stream().map(input -> SlicedInput.of(input, parts)).toList(), body)
        .build(tf);
  }
}
