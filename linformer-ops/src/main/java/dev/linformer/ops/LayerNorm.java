package dev.linformer.ops;

import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.math.Mean;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Layer normalisation on the last axis, arXiv 1607.06450: y = (x − μ)/√(σ² + ε)·weight + bias, with
 * ε = {@value #EPSILON} and σ² the mean of squares (not divided by c − 1).
 *
 * @param weight [c]
 * @param bias [c]
 */
public record LayerNorm<T extends TFloating>(Operand<T> weight, Operand<T> bias) {

  /** Added to the variance. */
  public static final double EPSILON = 1e-5;

  /** Weights {@code name.weight} and {@code name.bias}, [channels] each. */
  public static <T extends TFloating> LayerNorm<T> declare(
      ParameterFactory<T> parameters, String name, long channels) {
    Shape shape = Shape.of(channels);
    return new LayerNorm<>(
        parameters.create(new Parameter(name + ".weight", shape, Initialization.ONES)),
        parameters.create(new Parameter(name + ".bias", shape, Initialization.ZEROS)));
  }

  /** The same layer with each weight replaced. */
  public <U extends TFloating> LayerNorm<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new LayerNorm<>(replace.apply(weight), replace.apply(bias));
  }

  /**
   * @param x [...,c]
   * @return [...,c]
   * @throws IllegalArgumentException if the last axis of x is not c
   */
  public Operand<T> call(Ops tf, Operand<T> x) {
    int last = x.shape().numDimensions() - 1;
    Shapes.requireAxis("LayerNorm", x, last, weight.shape().get(0), "channels");
    if (Wide.isNarrow(x.type())) {
      LayerNorm<TFloat32> wide = map(w -> tf.dtypes.cast(w, TFloat32.class));
      return tf.dtypes.cast(wide.call(tf, tf.dtypes.cast(x, TFloat32.class)), x.type()); // [...,c]
    }
    var axis = tf.constant(last);
    Operand<T> mean = tf.math.mean(x, axis, Mean.keepDims(true)); // [...,1]
    Operand<T> centred = tf.math.sub(x, mean); // [...,c]
    Operand<T> variance =
        tf.math.mean(tf.math.square(centred), axis, Mean.keepDims(true)); // [...,1]
    Operand<T> scale =
        tf.math.rsqrt(tf.math.add(variance, Scalars.of(tf, EPSILON, x.type()))); // [...,1]
    Operand<T> normal = tf.math.mul(centred, scale); // [...,c]
    return tf.math.add(tf.math.mul(normal, weight), bias); // [...,c]
  }
}
