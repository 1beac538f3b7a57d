package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * An output that says itself what its gradients are, for graphs in Java what {@code
 * tf.custom_gradient} is in Python.
 *
 * <pre>{@code
 * Operand<TFloat32> y = CustomGradient.of( // the gradient of a rounding that isn't one
 *     tf, tf.math.rint(x), List.of(x), (inner, dy) -> List.of(dy));
 * }</pre>
 */
public final class CustomGradient {

  private CustomGradient() {}

  /** Makes gradients. */
  @FunctionalInterface
  public interface GradientFunction {

    /**
     * Called under the lock of the graph: it may add operations through {@code tf}, and must not
     * ask the graph anything, shapes of operands included.
     *
     * @param dy gradient of the loss with respect to the output
     * @return one for each input
     */
    List<Operand<?>> of(Ops tf, Output<?> dy);
  }

  /**
   * Whether {@link #of} works here, where a graph can do without: not on Windows, nor where other
   * code in this process has taken all custom gradients.
   */
  public static boolean isAvailable() {
    return GradientOverrides.isAvailable();
  }

  /**
   * The output {@code y}, through which gradients come to {@code inputs} as {@code gradient} says
   * and in no other way.
   *
   * @param y any shape
   * @param inputs what gradients are taken of, of any shapes
   * @param gradient of each input, of its shape and type
   * @return y, of its shape
   * @throws UnsupportedOperationException on Windows, where TensorFlow Java has no custom gradients
   * @throws IllegalStateException if other code in this process has taken all ten custom gradients
   *     that TensorFlow Java has room for
   */
  @SuppressWarnings("unchecked") // an identity has its input's type
  public static <T extends TFloating> Operand<T> of(
      Ops tf, Operand<T> y, List<? extends Operand<?>> inputs, GradientFunction gradient) {
    List<Operand<?>> all = new ArrayList<>();
    all.add(tf.stopGradient(y));
    all.addAll(inputs);
    return (Operand<T>)
        GradientOverrides.identity(
            tf,
            all,
            (inner, dy) -> {
              List<Operand<?>> gradients = new ArrayList<>();
              gradients.add(dy); // for y itself, whose gradient is stopped
              gradients.addAll(gradient.of(inner, dy));
              return gradients;
            });
  }
}
