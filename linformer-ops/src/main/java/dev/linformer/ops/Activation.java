package dev.linformer.ops;

import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Scalars;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The nonlinearity of a feed-forward layer. What the rest of the library asks of one is answered
 * here; each answer names all constants, so that a new one doesn't compile until all are given.
 */
public enum Activation {
  /** x·Φ(x), Φ the normal distribution function in its exact (erf) form; arXiv 1606.08415. */
  GELU,
  /** max(x, 0). */
  RELU,
  /** x·sigmoid(x), the swish function; arXiv 1702.03118. */
  SILU;

  /** Elementwise; the shape of x. */
  public <T extends TFloating> Operand<T> call(Ops tf, Operand<T> x) {
    return switch (this) {
      case GELU -> Float32Math.apply(tf, x, Activation::gelu);
      case RELU -> tf.nn.relu(x);
      case SILU -> Float32Math.apply(tf, x, Activation::silu);
    };
  }

  /** Whether linformer-pytorch has it, under the same key. */
  public boolean isInLinformerPyTorch() {
    return switch (this) {
      case GELU, RELU -> true;
      case SILU -> false;
    };
  }

  private static <T extends TFloating> Operand<T> gelu(Ops tf, Operand<T> x) {
    Operand<T> erf = tf.math.erf(tf.math.mul(x, Scalars.of(tf, Math.sqrt(0.5), x.type())));
    Operand<T> half = tf.math.mul(x, Scalars.of(tf, 0.5, x.type()));
    return tf.math.mul(half, tf.math.add(erf, Scalars.of(tf, 1, x.type())));
  }

  private static <T extends TFloating> Operand<T> silu(Ops tf, Operand<T> x) {
    return tf.math.mul(x, tf.math.sigmoid(x));
  }
}
