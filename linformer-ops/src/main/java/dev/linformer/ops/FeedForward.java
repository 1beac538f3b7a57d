package dev.linformer.ops;

import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.fused.FusedGelu;
import dev.linformer.ops.internal.fused.FusedGeluProduct;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * Linear, activation, dropout, Linear, dropout, at every position by itself. Gated (GLU, arXiv
 * 2002.05202) if the first map gives twice what the second takes: the activated first half is
 * multiplied by the second half.
 *
 * @param first c → f, or c → 2f if gated
 * @param second f → width of the output
 * @param activation between the two
 * @param backend what computes it
 */
public record FeedForward<T extends TFloating>(
    Dense<T> first, Dense<T> second, Activation activation, Backend backend) {

  /** A layer of TensorFlow's operations. */
  public FeedForward(Dense<T> first, Dense<T> second, Activation activation) {
    this(first, second, activation, Backend.PORTABLE);
  }

  /** Weights {@code name.w_1.*} [f,in], or [2f,in] if gated, and {@code name.w_2.*} [out,f]. */
  public static <T extends TFloating> FeedForward<T> declare(
      ParameterFactory<T> parameters,
      String name,
      long in,
      long feedForwardDim,
      long out,
      Activation activation,
      boolean gated) {
    return new FeedForward<>(
        Dense.declare(parameters, name + ".w_1", in, (gated ? 2 : 1) * feedForwardDim),
        Dense.declare(parameters, name + ".w_2", feedForwardDim, out),
        activation,
        parameters.backend());
  }

  /** A layer like this with each weight replaced. */
  public <U extends TFloating> FeedForward<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new FeedForward<>(first.map(replace), second.map(replace), activation, backend);
  }

  /**
   * The layer, on every position.
   *
   * @param x [b,n,c]
   * @param dropout rate of both dropouts, in [0,1)
   * @param key null outside training
   * @return [b,n,out]
   * @throws IllegalArgumentException if the last axis of x is not c
   */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    return callWithoutBias(tf, x, dropout, key).sum(tf); // [b,n,out]
  }

  /**
   * {@link #call} with the last bias not yet added, unless a dropout comes after it.
   *
   * @param x [b,n,c]
   * @param dropout rate of both dropouts, in [0,1)
   * @param key null outside training
   * @return [b,n,out]
   * @throws IllegalArgumentException if the last axis of x is not c
   */
  public LinearOutput<T> callWithoutBias(
      Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    long f = second.weight().shape().get(1);
    long[] sizes = x.shape().asArray();
    int last = sizes.length - 1;
    // Rows, so that nothing stands between product and activation: TensorFlow makes them one
    // kernel.
    Operand<T> rows = last == 1 ? x : Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, sizes[last]);
    Operand<T> hidden;
    if (geluAlone() && key == null && FusedGeluProduct.fits(rows, first.weight())) {
      hidden = FusedGeluProduct.call(tf, rows, first.weight(), first.bias()); // [b·n,f]
    } else {
      hidden = activated(tf, first.callWithoutBias(tf, rows)); // [b·n,f]
    }
    sizes[last] = f;
    hidden = last == 1 ? hidden : Shapes.reshape(tf, hidden, sizes); // [b,n,f]
    hidden = Dropout.apply(tf, hidden, dropout, key == null ? null : key.fold(0)); // [b,n,f]
    return Dropout.apply(
        tf,
        second.callWithoutBias(tf, hidden),
        dropout,
        key == null ? null : key.fold(1)); // [b,n,out]
  }

  /**
   * The activation.
   *
   * @param mapped [rows,f], or [rows,2f] if gated
   * @return [rows,f]
   */
  private Operand<T> activated(Ops tf, LinearOutput<T> mapped) {
    if (gated()) {
      long f = second.weight().shape().get(1);
      Operand<T> both = mapped.sum(tf); // [rows,2f]
      Operand<T> gate = activation.call(tf, Shapes.slice(tf, both, 1, 0, f)); // [rows,f]
      return tf.math.mul(gate, Shapes.slice(tf, both, 1, f, f)); // [rows,f]
    }
    return geluAlone() && FusedGelu.fits(mapped.rows())
        ? FusedGelu.call(tf, mapped.rows(), mapped.bias()) // [rows,f]
        : activation.call(tf, mapped.sum(tf)); // [rows,f]
  }

  private boolean gated() {
    return first.weight().shape().get(0) == 2 * second.weight().shape().get(1);
  }

  /** Whether what comes after the first map is GELU and nothing else, and may be a kernel. */
  private boolean geluAlone() {
    return backend == Backend.GPU_KERNELS && activation == Activation.GELU && !gated();
  }
}
