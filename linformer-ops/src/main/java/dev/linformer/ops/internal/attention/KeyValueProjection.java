package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.internal.HeadLayout;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.product.BatchProduct;
import dev.linformer.ops.projection.CompressedKeyValues;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The steps of a {@link dev.linformer.ops.attention.MultiHeadAttention} that see its source: it is
 * compressed, before there are heads or after, and becomes keys and values.
 */
final class KeyValueProjection {

  private KeyValueProjection() {}

  /**
   * The first step of an attention, see {@link AttentionSteps#compressSource}.
   *
   * @param source [b,s,c], zero at padded positions
   */
  static <T extends TFloating> CompressedSource<T> compressSource(
      Ops tf, MultiHeadWeights<T> attention, Operand<T> source, ContractionPlan plan) {
    if (attention.byPrefix()) {
      return new CompressedSource<>(source, source);
    }
    Operand<T> forKeys =
        isCompressedFirst(attention.keyProjection(), plan)
            ? attention.keyProjection().compress(tf, source)
            : source;
    if (attention.valueProjection().equals(attention.keyProjection())) {
      return new CompressedSource<>(forKeys, forKeys);
    }
    return new CompressedSource<>(
        forKeys,
        isCompressedFirst(attention.valueProjection(), plan)
            ? attention.valueProjection().compress(tf, source)
            : source);
  }

  private static boolean isCompressedFirst(SequenceProjection<?> projection, ContractionPlan plan) {
    return plan.compressFirst() && projection.beforeHeads();
  }

  /**
   * The second step of an attention, see {@link AttentionSteps#compress}.
   *
   * @param positions how many are compressed at a time; 0: all
   */
  static <T extends TFloating> CompressedKeyValues<T> compress(
      Ops tf,
      MultiHeadWeights<T> attention,
      CompressedSource<T> source,
      ContractionPlan plan,
      long positions) {
    Operand<T> k =
        side(
            tf,
            attention,
            attention.keys(),
            attention.keyProjection(),
            source.keys(),
            plan,
            positions); // [b,h,k,d]
    Operand<T> v =
        side(
            tf,
            attention,
            attention.values(),
            attention.valueProjection(),
            source.values(),
            plan,
            positions); // [b,h,k,d]
    k = LinearAttention.scaled(tf, k, attention.headDim()); // [b,h,k,d]
    return new CompressedKeyValues<>(
        plan.foldQueries() ? foldQueries(tf, attention, k, plan) : k,
        plan.foldOutput() ? foldOutput(tf, attention, v, plan) : v);
  }

  /** Compressed keys or values, [b,h,k,d], or [b,1,k,d] for all heads. */
  private static <T extends TFloating> Operand<T> side(
      Ops tf,
      MultiHeadWeights<T> attention,
      Dense<T> weights,
      SequenceProjection<T> projection,
      Operand<T> source,
      ContractionPlan plan,
      long positions) {
    if (source.shape().numDimensions() == 4) { // each head's E·x with that head's W
      long c = weights.weight().shape().get(1);
      Operand<T> w =
          Shapes.reshape(
              tf, weights.weight(), attention.keyHeads(), attention.headDim(), c); // [h,d,c]
      return projection.addBias(tf, BatchProduct.ofTransposed(tf, source, w)); // [b,h,k,d]
    }
    if (positions > 0 && projection.window() > 0 && !isCompressedFirst(projection, plan)) {
      return projection.addBias(tf, windows(tf, attention, weights, projection, source, positions));
    }
    Operand<T> heads =
        HeadLayout.splitHeads(tf, weights.call(tf, source), attention.headDim()); // [b,h,k or s,d]
    return projection.addBias(
        tf,
        isCompressedFirst(projection, plan) ? heads : projection.compress(tf, heads)); // [b,h,k,d]
  }

  /** Compressed keys or values, some windows at a time, [b,h,k,d]. */
  private static <T extends TFloating> Operand<T> windows(
      Ops tf,
      MultiHeadWeights<T> attention,
      Dense<T> weights,
      SequenceProjection<T> projection,
      Operand<T> source,
      long positions) {
    long w = projection.window();
    long k = projection.projectedLength(source.shape().get(1));
    Operand<T> padded = Shapes.padTo(tf, "MultiHeadAttention", source, 1, k * w); // [b,k·w,c]
    List<SegmentInput> inputs = new ArrayList<>();
    inputs.add(SegmentInput.along(padded, 1));
    inputs.add(SegmentInput.whole(weights.weight()));
    projection.map(
        weight -> {
          inputs.add(SegmentInput.whole(weight));
          return weight;
        });
    return Recompute.parts(
        tf,
        new ChunkPlan(k, Math.max(1, positions / w), 2),
        inputs,
        (inner, substitution) -> {
          Operand<T> part = substitution.get(padded); // [b,m,c]
          Operand<T> heads =
              HeadLayout.splitHeads(
                  inner,
                  weights.map(substitution::get).call(inner, part),
                  attention.headDim()); // [b,h,m,d]
          return projection
              .map(substitution::get)
              .onWindows(part.shape().get(1) / w)
              .compress(inner, heads); // [b,h,m/w,d]
        });
  }

  /** W_Q·K'ᵀ of all heads, [b,c,h·k]; for a kernel K'·W_Q, [b,h,k,c]. */
  private static <T extends TFloating> Operand<T> foldQueries(
      Ops tf, MultiHeadWeights<T> attention, Operand<T> k, ContractionPlan plan) {
    long c = attention.queries().weight().shape().get(1);
    Operand<T> w =
        Shapes.reshape(
            tf, attention.queries().weight(), attention.heads(), attention.headDim(), c); // [h,d,c]
    if (plan.kernel()) {
      return BatchProduct.call(tf, k, w); // [b,h,k,c]
    }
    Operand<T> folded = BatchProduct.call(tf, w, k, true, true); // [b,h,c,k]
    long[] sizes = folded.shape().asArray();
    Operand<T> turned =
        tf.linalg.transpose(folded, tf.constant(new int[] {0, 2, 1, 3})); // [b,c,h,k]
    return Shapes.reshape(tf, turned, sizes[0], c, sizes[1] * sizes[3]); // [b,c,h·k]
  }

  /** V'·W_O of all heads, [b,h·k,out]; for a kernel [b,h,k,out]. */
  private static <T extends TFloating> Operand<T> foldOutput(
      Ops tf, MultiHeadWeights<T> attention, Operand<T> v, ContractionPlan plan) {
    Operand<T> weight = attention.output().get(0).weight(); // [out,h·d]
    long out = weight.shape().get(0);
    Operand<T> w =
        Shapes.reshape(tf, weight, out, attention.heads(), attention.headDim()); // [out,h,d]
    w = tf.linalg.transpose(w, tf.constant(new int[] {1, 0, 2})); // [h,out,d]
    Operand<T> folded = BatchProduct.ofTransposed(tf, v, w); // [b,h,k,out]
    if (plan.kernel()) {
      return folded;
    }
    long[] sizes = folded.shape().asArray();
    return Shapes.reshape(tf, folded, sizes[0], sizes[1] * sizes[2], out); // [b,h·k,out]
  }
}
