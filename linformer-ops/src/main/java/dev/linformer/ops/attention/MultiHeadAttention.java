package dev.linformer.ops.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Shapes;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * Linformer's multi-head self-attention: queries of all positions against keys and values
 * compressed from length n to k. Weights of all heads are one matrix, so each product is one call.
 *
 * @param heads h
 * @param queries [h·d,c]
 * @param keys [h·d,c]
 * @param values [h·d,c]
 * @param keyProjection E
 * @param valueProjection F, the same object as E where they are shared
 * @param output h·d → c
 */
public record MultiHeadAttention<T extends TFloating>(
    int heads,
    Dense<T> queries,
    Dense<T> keys,
    Dense<T> values,
    LearnedProjection<T> keyProjection,
    LearnedProjection<T> valueProjection,
    Dense<T> output) {

  /**
   * @throws IllegalArgumentException if a projection of its own for every head is not for h heads
   */
  public MultiHeadAttention {
    requireHeads(keyProjection, heads);
    requireHeads(valueProjection, heads);
  }

  private static void requireHeads(LearnedProjection<?> projection, int heads) {
    if (projection.perHead()) {
      Shapes.requireAxis("MultiHeadAttention projection", projection.weight(), 0, heads, "heads");
    }
  }

  /**
   * Weights {@code name.to_q.weight}, {@code to_k}, {@code to_v} [h·d,c], known head by head as
   * {@code name.to_q.0.weight} … [d,c], and {@code name.w_o.*}.
   */
  public static <T extends TFloating> MultiHeadAttention<T> declare(
      ParameterFactory<T> parameters,
      String name,
      long channels,
      int heads,
      long headDim,
      LearnedProjection<T> keyProjection,
      LearnedProjection<T> valueProjection) {
    return new MultiHeadAttention<>(
        heads,
        allHeads(parameters, name + ".to_q", channels, heads, headDim),
        allHeads(parameters, name + ".to_k", channels, heads, headDim),
        allHeads(parameters, name + ".to_v", channels, heads, headDim),
        keyProjection,
        valueProjection,
        Dense.declare(parameters, name + ".w_o", heads * headDim, channels));
  }

  private static <T extends TFloating> Dense<T> allHeads(
      ParameterFactory<T> parameters, String name, long channels, int heads, long headDim) {
    var keys = IntStream.range(0, heads).mapToObj(i -> name + "." + i + ".weight").toList();
    return new Dense<>(
        parameters.create(
            Parameter.sliced(
                name + ".weight",
                Shape.of(heads * headDim, channels),
                Initialization.linear(channels),
                keys)),
        null);
  }

  /**
   * @param x [b,n,c]
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   * @throws IllegalArgumentException if x has not the length and width of the weights
   */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    Shapes.requireRank("MultiHeadAttention", x, 3);
    long n = x.shape().get(1);
    long hd = queries.weight().shape().get(0);

    Operand<T> q = splitHeads(tf, queries.call(tf, x)); // [b,h,n,d]
    Operand<T> compressedForKeys = compress(tf, keyProjection, x); // [b,k,c], or x itself
    Operand<T> compressedForValues =
        valueProjection.equals(keyProjection)
            ? compressedForKeys
            : compress(tf, valueProjection, x); // [b,k,c], or x itself
    Operand<T> k = project(tf, keys, keyProjection, compressedForKeys); // [b,h,k,d]
    Operand<T> v = project(tf, values, valueProjection, compressedForValues); // [b,h,k,d]

    Operand<T> mixed =
        LinearAttention.call(tf, q, k, v, dropout, key == null ? null : key.fold(0)); // [b,h,n,d]
    Operand<T> concatenated =
        Shapes.reshape(tf, swapHeads(tf, mixed), Shape.UNKNOWN_SIZE, n, hd); // [b,n,h·d]
    Operand<T> y = output.call(tf, concatenated); // [b,n,c]
    return Dropout.apply(tf, y, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }

  /**
   * E·x where all heads share E: E(xW) = (Ex)W, and the right side never makes keys or values of
   * all n positions.
   */
  private Operand<T> compress(Ops tf, LearnedProjection<T> projection, Operand<T> x) {
    return projection.perHead() ? x : projection.compress(tf, x); // [b,n,c] or [b,k,c]
  }

  /** The compressed keys or values of all heads, [b,h,k,d]. */
  private Operand<T> project(
      Ops tf, Dense<T> weights, LearnedProjection<T> projection, Operand<T> source) {
    Operand<T> heads = splitHeads(tf, weights.call(tf, source)); // [b,h,n,d] or [b,h,k,d]
    if (projection.perHead()) {
      heads = projection.compress(tf, heads); // [b,h,k,d]
    }
    return projection.addBias(tf, heads); // [b,h,k,d]
  }

  private Operand<T> splitHeads(Ops tf, Operand<T> x) {
    long length = x.shape().get(1);
    long d = x.shape().get(2) / heads;
    return swapHeads(tf, Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, length, heads, d)); // [b,h,n,d]
  }

  /** [b,n,h,d] ↔ [b,h,n,d]. */
  private Operand<T> swapHeads(Ops tf, Operand<T> x) {
    return tf.linalg.transpose(x, tf.constant(new int[] {0, 2, 1, 3}));
  }
}
