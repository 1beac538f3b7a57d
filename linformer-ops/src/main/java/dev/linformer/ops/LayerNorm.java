package dev.linformer.ops;

import dev.linformer.ops.internal.Averages;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Scalars;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.fused.FusedLayerNorm;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Layer normalisation on the last axis, arXiv 1607.06450: y = (x − μ)/√(σ² + ε)·weight + bias, with
 * ε = {@value #EPSILON} and σ² the mean of squares (not divided by c − 1).
 *
 * @param weight [c]
 * @param bias [c]
 * @param backend what computes it
 */
public record LayerNorm<T extends TFloating>(Operand<T> weight, Operand<T> bias, Backend backend) {

  /** Added to the variance. */
  public static final double EPSILON = FusedLayerNorm.EPSILON;

  /** A norm of TensorFlow's operations. */
  public LayerNorm(Operand<T> weight, Operand<T> bias) {
    this(weight, bias, Backend.PORTABLE);
  }

  /** Weights {@code name.weight} and {@code name.bias}, [channels] each. */
  public static <T extends TFloating> LayerNorm<T> declare(
      ParameterFactory<T> parameters, String name, long channels) {
    Shape shape = Shape.of(channels);
    return new LayerNorm<>(
        parameters.create(new Parameter(name + ".weight", shape, Initialization.ONES)),
        parameters.create(new Parameter(name + ".bias", shape, Initialization.ZEROS)),
        parameters.backend());
  }

  /** A layer like this with each weight replaced. */
  public <U extends TFloating> LayerNorm<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new LayerNorm<>(replace.apply(weight), replace.apply(bias), backend);
  }

  /**
   * Of a sum: LayerNorm(residual + added).
   *
   * @param residual [...,c]
   * @param added of the same shape
   * @return [...,c]
   * @throws IllegalArgumentException if the last axis is not c
   */
  public Operand<T> call(Ops tf, Operand<T> residual, LinearOutput<T> added) {
    if (!isKernel(residual)) {
      return call(tf, tf.math.add(residual, added.sum(tf))); // [...,c]
    }
    requireChannels(residual);
    return FusedLayerNorm.call(
        tf, residual, added.product(tf), added.bias(), weight, bias); // [...,c]
  }

  private boolean isKernel(Operand<T> x) {
    return backend == Backend.GPU_KERNELS && FusedLayerNorm.fits(x);
  }

  private void requireChannels(Operand<T> x) {
    Shapes.requireAxis(
        "LayerNorm", x, x.shape().numDimensions() - 1, weight.shape().get(0), "channels");
  }

  /**
   * LayerNorm(x).
   *
   * @param x [...,c]
   * @return [...,c]
   * @throws IllegalArgumentException if the last axis of x is not c
   */
  public Operand<T> call(Ops tf, Operand<T> x) {
    int last = x.shape().numDimensions() - 1;
    requireChannels(x);
    if (isKernel(x)) {
      return FusedLayerNorm.call(tf, null, x, null, weight, bias); // [...,c]
    }
    if (Float32Math.isReducedPrecision(x.type())) {
      LayerNorm<TFloat32> wide = map(w -> tf.dtypes.cast(w, TFloat32.class));
      return tf.dtypes.cast(wide.call(tf, tf.dtypes.cast(x, TFloat32.class)), x.type()); // [...,c]
    }
    Operand<T> mean = Averages.over(tf, x, true, last); // [...,1]
    Operand<T> centred = tf.math.sub(x, mean); // [...,c]
    Operand<T> variance = Averages.over(tf, tf.math.square(centred), true, last); // [...,1]
    Operand<T> scale =
        tf.math.rsqrt(tf.math.add(variance, Scalars.of(tf, EPSILON, x.type()))); // [...,1]
    Operand<T> normal = tf.math.mul(centred, scale); // [...,c]
    return tf.math.add(tf.math.mul(normal, weight), bias); // [...,c]
  }
}
