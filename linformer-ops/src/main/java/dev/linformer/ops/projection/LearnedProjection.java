package dev.linformer.ops.projection;

import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The projection of the paper (its E or F, section 4): y = E·x + bias·1ᵀ on the sequence axis. The
 * bias has one value a row, the same for all channels. A fixed random E is the same thing with a
 * weight that isn't trained, and no bias.
 *
 * <pre>{@code
 * LearnedProjection<TFloat32> e = LearnedProjection.declare(parameters, "E", 2048, 128); // n, k
 * Operand<TFloat32> y = e.compress(tf, x); // [b,h,n,d] → [b,h,k,d], or [b,n,c] → [b,k,c]
 * }</pre>
 *
 * @param weight E [k,n], or [h,k,n] if every head has its own
 * @param bias [k] or [h,k], or null
 */
public record LearnedProjection<T extends TFloating>(Operand<T> weight, @Nullable Operand<T> bias)
    implements SequenceProjection<T> {

  /**
   * A trained projection for all heads: {@code name.weight} [k,n] and {@code name.bias} [k], which
   * start as in linformer-pytorch.
   *
   * @param sequenceLength n, the longest x
   * @param projectedLength k
   */
  public static <T extends TFloating> LearnedProjection<T> declare(
      ParameterFactory<T> parameters, String name, long sequenceLength, long projectedLength) {
    long n = sequenceLength;
    long k = projectedLength;
    return new LearnedProjection<>(
        parameters.create(
            new Parameter(
                name + ".weight", Shape.of(k, n), Initialization.xavierNormal(n, k))), // [k,n]
        parameters.create(
            new Parameter(name + ".bias", Shape.of(k), Initialization.linear(n)))); // [k]
  }

  /** Whether every head has its own E. */
  @Override
  public boolean perHead() {
    return weight.shape().numDimensions() == 3;
  }

  @Override
  public long projectedLength(long length) {
    return projectedLength();
  }

  @Override
  public boolean beforeHeads() {
    return true;
  }

  @Override
  public <U extends TFloating> LearnedProjection<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new LearnedProjection<>(
        replace.apply(weight), bias == null ? null : replace.apply(bias));
  }

  /** {@code k}, the number of rows of E. */
  public long projectedLength() {
    return weight.shape().get(weight.shape().numDimensions() - 2);
  }

  /** {@code n}, the number of columns of E: the longest sequence. */
  public long sequenceLength() {
    return weight.shape().get(weight.shape().numDimensions() - 1);
  }

  /**
   * E·x; for a shorter x with the first columns of E.
   *
   * @param x [b,h,n,d], or the source, [b,n,c]
   * @return [b,h,k,d]; of the source [b,k,c], or [b,h,k,c] if {@link #perHead}
   * @throws IllegalArgumentException if x is longer than n or of another rank
   */
  @Override
  public Operand<T> compress(Ops tf, Operand<T> x) {
    int rank = x.shape().numDimensions();
    if (rank != 3) {
      Shapes.requireRank("LearnedProjection", x, 4);
    }
    long n = x.shape().get(rank - 2);
    Shapes.requireAtMost("LearnedProjection", x, rank - 2, sequenceLength(), "sequence length");
    Operand<T> e = columns(tf, 0, n); // [k,n] or [h,k,n]
    if (rank == 4) {
      return BatchProduct.call(tf, e, x); // [b,h,k,d]
    }
    if (!perHead()) {
      return BatchProduct.ofSequences(tf, e, x); // [b,k,c]
    }
    long h = weight.shape().get(0);
    long k = projectedLength();
    Operand<T> rows = Shapes.reshape(tf, e, h * k, n); // [h·k,n]
    Operand<T> y = BatchProduct.ofSequences(tf, rows, x); // [b,h·k,c]
    return Shapes.reshape(tf, y, Shape.UNKNOWN_SIZE, h, k, x.shape().get(2)); // [b,h,k,c]
  }

  /** The columns of E from one position on: [k,length] or [h,k,length]. */
  public Operand<T> columns(Ops tf, long from, long length) {
    return from == 0 && length == sequenceLength()
        ? weight
        : Shapes.slice(tf, weight, weight.shape().numDimensions() - 1, from, length);
  }

  @Override
  public long window() {
    return 0;
  }

  @Override
  public SequenceProjection<T> onWindows(long k) {
    return this;
  }

  @Override
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return bias == null
        ? y
        : tf.math.add(y, tf.expandDims(bias, tf.constant(-1))); // [k,1] or [h,k,1] on [b,h,k,d]
  }
}
