package dev.linformer.ops.projection;

import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * A convolution over positions with kernel = stride = n/k, over the d channels of a head, one of
 * the paper's general projections (section 4). Kernel and stride being equal, it is one matrix
 * product on windows.
 *
 * @param weight [d,d,w] as {@code torch.nn.Conv1d} has it (out, in, window), or [h,d,d,w] if every
 *     head has its own
 * @param bias [d] or [h,d]
 * @param projectedLength k
 */
public record ConvolutionProjection<T extends TFloating>(
    Operand<T> weight, Operand<T> bias, long projectedLength) implements SequenceProjection<T> {

  @Override
  public boolean beforeHeads() {
    return false;
  }

  @Override
  public long projectedLength(long length) {
    return projectedLength;
  }

  @Override
  public boolean perHead() {
    return weight.shape().numDimensions() == 4;
  }

  @Override
  public <U extends TFloating> SequenceProjection<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new ConvolutionProjection<>(replace.apply(weight), replace.apply(bias), projectedLength);
  }

  @Override
  public Operand<T> compress(Ops tf, Operand<T> x) {
    int rank = weight.shape().numDimensions();
    long d = weight.shape().get(rank - 2);
    long w = weight.shape().get(rank - 1);
    Shapes.requireRank("ConvolutionProjection", x, 4);
    Shapes.requireAxis("ConvolutionProjection", x, 3, d, "width of a head");
    Operand<T> windows =
        Windows.cut(
            tf, "ConvolutionProjection", x, 2, projectedLength * w, projectedLength); // [b,h,k,w,d]
    long[] sizes = x.shape().asArray();
    Operand<T> rows =
        Shapes.reshape(tf, windows, sizes[0], sizes[1], projectedLength, w * d); // [b,h,k,w·d]
    boolean perHead = perHead();
    int[] order = perHead ? new int[] {0, 1, 3, 2} : new int[] {0, 2, 1};
    Operand<T> turned = tf.linalg.transpose(weight, tf.constant(order)); // [d,w,d] or [h,d,w,d]
    Operand<T> matrix =
        perHead
            ? Shapes.reshape(tf, turned, weight.shape().get(0), d, w * d) // [h,d,w·d]
            : Shapes.reshape(tf, turned, d, w * d); // [d,w·d]
    Operand<T> y = BatchProduct.ofTransposed(tf, rows, matrix); // [b,h,k,d]
    Operand<T> shift = perHead ? tf.expandDims(bias, tf.constant(1)) : bias; // [h,1,d] or [d]
    return tf.math.add(y, shift); // [b,h,k,d]
  }

  @Override
  public long window() {
    return weight.shape().get(weight.shape().numDimensions() - 1);
  }

  @Override
  public SequenceProjection<T> onWindows(long k) {
    return new ConvolutionProjection<>(weight, bias, k);
  }

  /** The bias of a channel is part of the convolution already. */
  @Override
  public Operand<T> addBias(Ops tf, Operand<T> y) {
    return y;
  }
}
