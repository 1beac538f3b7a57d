package dev.linformer.ops;

import dev.linformer.ops.internal.Shapes;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.family.TFloating;

/**
 * y = x·Wᵀ + bias on the last axis.
 *
 * @param weight W [out,in]
 * @param bias [out], or null
 */
public record Dense<T extends TFloating>(Operand<T> weight, @Nullable Operand<T> bias) {

  /** Weights {@code name.weight} [out,in] and {@code name.bias} [out]. */
  public static <T extends TFloating> Dense<T> declare(
      ParameterFactory<T> parameters, String name, long in, long out) {
    Initialization initialization = Initialization.linear(in);
    return new Dense<>(
        parameters.create(new Parameter(name + ".weight", Shape.of(out, in), initialization)),
        parameters.create(new Parameter(name + ".bias", Shape.of(out), initialization)));
  }

  /** A layer like this with each weight replaced. */
  public <U extends TFloating> Dense<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new Dense<>(replace.apply(weight), bias == null ? null : replace.apply(bias));
  }

  /**
   * x·Wᵀ + bias. All leading axes go through one matrix product.
   *
   * @param x [...,in]; at most one leading axis may be of unknown size
   * @return [...,out]
   * @throws IllegalArgumentException if the last axis of x is not {@code in}, or two sizes are
   *     unknown
   */
  public Operand<T> call(Ops tf, Operand<T> x) {
    return callWithoutBias(tf, x).sum(tf); // [...,out]
  }

  /**
   * {@link #call} with the bias not yet added.
   *
   * @param x [...,in]; at most one leading axis may be of unknown size
   * @return [...,out]
   * @throws IllegalArgumentException as {@link #call}
   */
  public LinearOutput<T> callWithoutBias(Ops tf, Operand<T> x) {
    long out = weight.shape().get(0);
    long in = weight.shape().get(1);
    long[] sizes = x.shape().asArray();
    int last = sizes.length - 1;
    Shapes.requireAxis("Dense", x, last, in, "inputs");
    Shapes.requireOneUnknown("Dense", x);
    Operand<T> rows = last == 1 ? x : Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, in); // [b·n,in]
    Operand<T> y = tf.linalg.matMul(rows, weight, MatMul.transposeB(true)); // [b·n,out]
    sizes[last] = out;
    return new LinearOutput<>(y, bias, Shape.of(sizes));
  }
}
