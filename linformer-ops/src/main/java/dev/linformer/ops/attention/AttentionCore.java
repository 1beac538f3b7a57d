package dev.linformer.ops.attention;

import dev.linformer.ops.BatchProduct;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Shapes;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * The steps of a {@link MultiHeadAttention} that see its positions, some or all: scores, softmax
 * and mixture, and what comes after them.
 */
public final class AttentionCore {

  /** In the name of a softmax whose result is P̄ as [b,n,h,k], and not [b,h,n,k]. */
  public static final String POSITIONS_FIRST = "positions_first";

  private AttentionCore() {}

  /**
   * The third step: scores, softmax, mixture and the output's first map, position by position.
   *
   * @param x some of the positions, [b,m,c]
   * @param mask [b,s], true at the source's real positions
   * @param numbers of these heads in the whole, [h]; null for 0 … h − 1
   * @param from number of the first of these positions, a scalar; null for 0
   * @return [b,m,out], without the output's bias
   */
  public static <T extends TFloating> Operand<T> attend(
      Ops tf,
      MultiHeadAttention<T> attention,
      Operand<T> x,
      CompressedKeyValues<T> compressed,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> numbers,
      @Nullable Operand<TInt64> from,
      double dropout,
      @Nullable RandomKey key) {
    if (plan.kernel()) {
      return attendInKernel(tf, attention, x, compressed, plan); // [b,m,out]
    }
    Operand<T> scores;
    int headAxis;
    if (plan.foldQueries()) {
      Operand<T> all = BatchProduct.ofSequences(tf, x, compressed.keys()); // [b,n,h·k]
      long[] sizes = all.shape().asArray();
      scores =
          Shapes.reshape(
              tf, all, sizes[0], sizes[1], attention.heads(), sizes[2] / attention.heads());
      headAxis = 2; // [b,n,h,k]
    } else {
      Operand<T> q =
          HeadLayout.splitHeads(
              tf, attention.queries().call(tf, x), attention.headDim()); // [b,h,n,d]
      scores = BatchProduct.trained(tf, q, compressed.keys(), true, key != null);
      headAxis = 1; // [b,h,n,k]
    }
    scores = Masks.hide(tf, scores, visible(tf, attention, scores, headAxis, mask, from));
    Ops place = headAxis == 2 ? tf.withName(POSITIONS_FIRST) : tf;
    Operand<T> p = Float32Math.softmax(place, scores); // P̄
    RandomKey inner = key == null ? null : key.fold(0).at(from);
    p = Dropout.ofHeads(tf, p, headAxis, numbers, dropout, inner);
    if (plan.foldOutput()) {
      p = headAxis == 1 ? HeadLayout.swapHeads(tf, p) : p; // [b,n,h,k]
      long[] sizes = p.shape().asArray();
      Operand<T> rows = Shapes.reshape(tf, p, sizes[0], sizes[1], sizes[2] * sizes[3]); // [b,n,h·k]
      return BatchProduct.ofSequences(tf, rows, compressed.values()); // [b,n,out]
    }
    p = headAxis == 2 ? HeadLayout.swapHeads(tf, p) : p; // [b,h,n,k]
    return outputOf(
        tf,
        attention,
        BatchProduct.trained(tf, p, compressed.values(), false, key != null)); // [b,n,out]
  }

  /** Scores, softmax and mixture in one kernel, [b,m,c] → [b,m,out]. */
  private static <T extends TFloating> Operand<T> attendInKernel(
      Ops tf,
      MultiHeadAttention<T> attention,
      Operand<T> x,
      CompressedKeyValues<T> compressed,
      ContractionPlan plan) {
    Operand<T> q = plan.foldQueries() ? x : attention.queries().call(tf, x); // [b,m,c] or [b,m,h·d]
    CompressedKeyValues<T> each =
        compressed.map(side -> HeadLayout.ofHeads(tf, side, attention.heads())); // [b,h,k,·]
    Operand<T> y = FusedAttention.call(tf, q, each.keys(), each.values(), plan.foldOutput());
    return plan.foldOutput() ? y : firstMap(attention).call(tf, y); // [b,m,out]
  }

  /** [b,h,n,d] → [b,n,out]. */
  static <T extends TFloating> Operand<T> outputOf(
      Ops tf, MultiHeadAttention<T> attention, Operand<T> mixed) {
    return firstMap(attention).call(tf, HeadLayout.joinHeads(tf, mixed)); // [b,n,out]
  }

  /** The output's first map without its bias, which {@link #finish} adds. */
  private static <T extends TFloating> Dense<T> firstMap(MultiHeadAttention<T> attention) {
    return new Dense<>(attention.output().get(0).weight(), null);
  }

  /** What of the compressed positions a position sees, to be broadcast to the scores; null: all. */
  private static <T extends TFloating> @Nullable Operand<TBool> visible(
      Ops tf,
      MultiHeadAttention<T> attention,
      Operand<T> scores,
      int headAxis,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> from) {
    Operand<TBool> triangle = null;
    if (attention.visibility() != Visibility.ALL) {
      long n = scores.shape().get(3 - headAxis);
      triangle = Masks.lowerTriangle(tf, n, scores.shape().get(3), from); // [n,k]
      triangle = headAxis == 1 ? triangle : tf.expandDims(triangle, tf.constant(1)); // [n,1,k]
    }
    if (mask == null || !attention.hides(mask)) {
      return triangle;
    }
    Operand<TBool> real = tf.expandDims(tf.expandDims(mask, tf.constant(1)), tf.constant(1));
    return triangle == null ? real : tf.math.logicalAnd(real, triangle); // from [b,1,1,s]
  }

  /**
   * The last step: the output's bias, its second map, dropout.
   *
   * @param y [b,n,out]
   * @return [b,n,c], the last bias not yet added, unless a dropout comes after it
   */
  public static <T extends TFloating> LinearOutput<T> finish(
      Ops tf,
      MultiHeadAttention<T> attention,
      Operand<T> y,
      double dropout,
      @Nullable RandomKey key) {
    LinearOutput<T> z =
        new LinearOutput<>(y, attention.output().get(0).bias(), y.shape()); // [b,n,out]
    for (Dense<T> map : attention.output().subList(1, attention.output().size())) {
      z = map.apart(tf, z.sum(tf)); // [b,n,c] after the last
    }
    return Dropout.apply(tf, z, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }
}
