package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.internal.HeadLayout;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.fused.FusedAttention;
import dev.linformer.ops.internal.product.BatchProduct;
import dev.linformer.ops.projection.CompressedKeyValues;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * The step of a {@link dev.linformer.ops.attention.MultiHeadAttention} that sees its positions,
 * some or all: {@link LinearAttention} with W_Q before it and W_O after it, in the order of a
 * {@link ContractionPlan}.
 */
final class PlannedAttention {

  private PlannedAttention() {}

  /**
   * The third step of an attention, see {@link AttentionSteps#attend}.
   *
   * @param x some of the positions, [b,m,c]
   * @param compressed what they attend to
   * @param mask [b,s], true at the source's real positions
   * @param dropout on P̄; of its key this takes the place 0
   * @return [b,m,out], without the output's bias
   */
  static <T extends TFloating> Operand<T> attend(
      Ops tf,
      MultiHeadWeights<T> attention,
      Operand<T> x,
      CompressedKeyValues<T> compressed,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      AttentionDropout dropout) {
    if (plan.kernel()) {
      return attendInKernel(tf, attention, x, compressed, plan); // [b,m,out]
    }
    Operand<T> scores;
    int headAxis;
    if (plan.foldQueries()) {
      Operand<T> rows = BatchProduct.ofSequences(tf, x, compressed.keys()); // [b,m,h·k]
      long[] sizes = rows.shape().asArray();
      scores =
          Shapes.reshape(
              tf, rows, sizes[0], sizes[1], attention.heads(), sizes[2] / attention.heads());
      headAxis = 2; // [b,m,h,k]
    } else {
      Operand<T> q =
          HeadLayout.splitHeads(
              tf, attention.queries().call(tf, x), attention.headDim()); // [b,h,m,d]
      scores = LinearAttention.scores(tf, q, compressed.keys(), dropout);
      headAxis = 1; // [b,h,m,k]
    }
    Operand<TBool> visible =
        visible(tf, attention, scores, headAxis, mask, dropout.firstPosition());
    Operand<T> p =
        LinearAttention.probabilities(tf, scores, headAxis, visible, dropout.fold(0)); // P̄
    if (plan.foldOutput()) {
      p = headAxis == 1 ? HeadLayout.swapHeads(tf, p) : p; // [b,m,h,k]
      long[] sizes = p.shape().asArray();
      Operand<T> rows = Shapes.reshape(tf, p, sizes[0], sizes[1], sizes[2] * sizes[3]); // [b,m,h·k]
      return BatchProduct.ofSequences(tf, rows, compressed.values()); // [b,m,out]
    }
    p = headAxis == 2 ? HeadLayout.swapHeads(tf, p) : p; // [b,h,m,k]
    Operand<T> mixed = LinearAttention.mixture(tf, p, compressed.values(), dropout); // [b,h,m,d]
    return outputOf(tf, attention, mixed); // [b,m,out]
  }

  /** Scores, softmax and mixture in one kernel, [b,m,c] → [b,m,out]. */
  private static <T extends TFloating> Operand<T> attendInKernel(
      Ops tf,
      MultiHeadWeights<T> attention,
      Operand<T> x,
      CompressedKeyValues<T> compressed,
      ContractionPlan plan) {
    Operand<T> q = plan.foldQueries() ? x : attention.queries().call(tf, x); // [b,m,c] or [b,m,h·d]
    CompressedKeyValues<T> each =
        compressed.map(side -> HeadLayout.ofHeads(tf, side, attention.heads())); // [b,h,k,·]
    Operand<T> y = FusedAttention.call(tf, q, each.keys(), each.values(), plan.foldOutput());
    return plan.foldOutput() ? y : firstMap(attention).call(tf, y); // [b,m,out]
  }

  /** The heads side by side and the output's first map: [b,h,m,d] → [b,m,out]. */
  static <T extends TFloating> Operand<T> outputOf(
      Ops tf, MultiHeadWeights<T> attention, Operand<T> mixed) {
    return firstMap(attention).call(tf, HeadLayout.joinHeads(tf, mixed)); // [b,m,out]
  }

  /** The output's first map without its bias, which {@link AttentionSteps#finish} adds. */
  private static <T extends TFloating> Dense<T> firstMap(MultiHeadWeights<T> attention) {
    return new Dense<>(attention.output().get(0).weight(), null);
  }

  /** What of the compressed positions a position sees, to be broadcast to the scores; null: all. */
  private static <T extends TFloating> @Nullable Operand<TBool> visible(
      Ops tf,
      MultiHeadWeights<T> attention,
      Operand<T> scores,
      int headAxis,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> firstPosition) {
    Operand<TBool> triangle = null;
    if (attention.visibility() != Visibility.ALL) {
      long m = scores.shape().get(3 - headAxis);
      triangle = Masks.lowerTriangle(tf, m, scores.shape().get(3), firstPosition); // [m,k]
      triangle = headAxis == 1 ? triangle : tf.expandDims(triangle, tf.constant(1)); // [m,1,k]
    }
    if (mask == null || !attention.hides(mask)) {
      return triangle;
    }
    Operand<TBool> real = tf.expandDims(tf.expandDims(mask, tf.constant(1)), tf.constant(1));
    return triangle == null ? real : tf.math.logicalAnd(real, triangle); // from [b,1,1,s]
  }
}
