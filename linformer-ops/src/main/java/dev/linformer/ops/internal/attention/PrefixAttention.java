package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.HeadLayout;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import dev.linformer.ops.projection.CompressedKeyValues;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The steps of a {@link dev.linformer.ops.attention.MultiHeadAttention} by prefix, see {@link
 * CausalLinearAttention}, of a sequence as a whole or in parts, one after another.
 */
public final class PrefixAttention {

  private PrefixAttention() {}

  /**
   * An attention by prefix for a sequence of n positions: its projections are cut to [k,n] or
   * [h,k,n], and have no biases, which {@link #prefixes} has.
   *
   * @param n at most the length that the projections are for
   */
  public static <T extends TFloating> MultiHeadWeights<T> columns(
      Ops tf, MultiHeadWeights<T> attention, long n) {
    var e = new LearnedProjection<>(attention.learnedKeys().columns(tf, 0, n), null);
    var f =
        attention.valueProjection().equals(attention.keyProjection())
            ? e
            : new LearnedProjection<>(attention.learnedValues().columns(tf, 0, n), null);
    return attention.withProjections(e, f);
  }

  /** The projections of {@link #columns}, as inputs of a segment in parts by positions. */
  public static <T extends TFloating> List<SegmentInput> byPositions(
      MultiHeadWeights<T> attention) {
    return Stream.of(attention.learnedKeys(), attention.learnedValues())
        .map(LearnedProjection::weight)
        .map(weight -> SegmentInput.along(weight, weight.shape().numDimensions() - 1))
        .toList();
  }

  /**
   * What went before each of the g parts that a sequence is cut in, for an attention by prefix.
   *
   * @param source [b,n,c], zero at padded positions
   * @param length of a part; the last may be shorter
   * @return sums of keys and of values, biases included, [b,h,g,k,d]
   */
  public static <T extends TFloating> CompressedKeyValues<T> prefixes(
      Ops tf, MultiHeadWeights<T> attention, Operand<T> source, long length) {
    return new CompressedKeyValues<>(
        prefixes(tf, attention, attention.keys(), attention.learnedKeys(), source, length),
        prefixes(tf, attention, attention.values(), attention.learnedValues(), source, length));
  }

  private static <T extends TFloating> Operand<T> prefixes(
      Ops tf,
      MultiHeadWeights<T> attention,
      Dense<T> weights,
      LearnedProjection<T> projection,
      Operand<T> source,
      long length) {
    Operand<T> head = tf.expandDims(source, tf.constant(1)); // [b,1,n,c]
    var noBias = new LearnedProjection<>(projection.weight(), null);
    Operand<T> sums =
        CausalLinearAttention.sumsBefore(tf, noBias, head, length); // [b,h or 1,g,k,c]
    long[] sizes = sums.shape().asArray();
    Operand<T> rows =
        Shapes.reshape(
            tf, sums, sizes[0], sizes[1], sizes[2] * sizes[3], sizes[4]); // [b,h or 1,g·k,c]
    Operand<T> w =
        Shapes.reshape(
            tf, weights.weight(), attention.keyHeads(), attention.headDim(), sizes[4]); // [h,d,c]
    Operand<T> projected = BatchProduct.ofTransposed(tf, rows, w); // [b,h,g·k,d]
    long heads = projected.shape().get(1);
    Operand<T> whole =
        Shapes.reshape(
            tf, projected, sizes[0], heads, sizes[2], sizes[3], attention.headDim()); // [b,h,g,k,d]
    return CausalLinearAttention.addBias(tf, projection, whole); // [b,h,g,k,d]
  }

  /**
   * Queries, keys, values, {@link CausalLinearAttention} and the output's first map.
   *
   * @param x some of the positions, [b,m,c]
   * @param source the same positions, zero where padded
   * @param before what went before, biases included, [b,h,k,d] each; null at the beginning of the
   *     sequence
   * @param dropout on P; of its key this takes the place 0
   * @return [b,m,out], without the output's bias
   */
  public static <T extends TFloating> Operand<T> attend(
      Ops tf,
      MultiHeadWeights<T> attention,
      Operand<T> x,
      Operand<T> source,
      @Nullable CompressedKeyValues<T> before,
      AttentionDropout dropout) {
    LearnedProjection<T> e = attention.learnedKeys();
    Operand<T> q =
        HeadLayout.splitHeads(
            tf, attention.queries().call(tf, x), attention.headDim()); // [b,h,n,d]
    Operand<T> k =
        HeadLayout.splitHeads(
            tf, attention.keys().call(tf, source), attention.headDim()); // [b,h,n,d]
    Operand<T> v =
        HeadLayout.splitHeads(
            tf, attention.values().call(tf, source), attention.headDim()); // [b,h,n,d]
    long chunk =
        CausalLinearAttention.chunkFor(x.shape().get(1), e.projectedLength(), attention.headDim());
    Operand<T> mixed =
        CausalLinearAttention.call(
            tf, q, k, v, e, attention.learnedValues(), before, chunk, dropout.fold(0)); // [b,h,n,d]
    return PlannedAttention.outputOf(tf, attention, mixed); // [b,n,out]
  }
}
