package dev.linformer.ops.attention;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.attention.AttentionDropout;
import dev.linformer.ops.internal.attention.AttentionSteps;
import dev.linformer.ops.internal.attention.CompressedSource;
import dev.linformer.ops.internal.attention.ContractionPlan;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * Linformer's multi-head attention (arXiv 2006.04768, section 4): queries of all n positions
 * against keys and values compressed from s positions to k.
 *
 * <pre>{@code
 * AttentionSpec spec = new AttentionSpec(channels, heads, headDim);
 * var e = LearnedProjection.declare(parameters, "attention.E", 2048, 128); // [k,n]
 * var f = LearnedProjection.declare(parameters, "attention.F", 2048, 128); // [k,n]
 * MultiHeadAttention<TFloat32> attention =
 *     MultiHeadAttention.declare(parameters, "attention", spec, e, f);
 * Operand<TFloat32> y = attention.call(tf, x, 0.1, key); // [b,n,c]; key is null in inference
 * }</pre>
 *
 * <p>{@link IncrementalDecoding} goes position by position.
 *
 * @param weights of {@link #declare}
 */
public record MultiHeadAttention<T extends TFloating>(MultiHeadWeights<T> weights) {

  /**
   * A layer with weights {@code name.to_q.weight}, {@code to_k}, {@code to_v} [h·d,c], known head
   * by head as {@code name.to_q.0.weight} … [d,c], and {@code name.w_o.*}, or {@code w_o_1} and
   * {@code w_o_2}.
   *
   * @param keyProjection E, s → k positions
   * @param valueProjection F, the same object as E where they are shared
   * @throws IllegalArgumentException if a projection of its own for every head is not for h heads,
   *     or a pooling or a convolution, whose windows look ahead, is to be causal
   */
  public static <T extends TFloating> MultiHeadAttention<T> declare(
      ParameterFactory<T> parameters,
      String name,
      AttentionSpec spec,
      SequenceProjection<T> keyProjection,
      SequenceProjection<T> valueProjection) {
    int keyHeads = spec.oneKeyValueHead() ? 1 : spec.heads();
    return new MultiHeadAttention<>(
        new MultiHeadWeights<>(
            spec.headDim(),
            allHeads(parameters, name + ".to_q", spec, spec.heads()),
            allHeads(parameters, name + ".to_k", spec, keyHeads),
            allHeads(parameters, name + ".to_v", spec, keyHeads),
            keyProjection,
            valueProjection,
            output(parameters, name, spec),
            spec.visibility(),
            null,
            parameters.backend()));
  }

  private static <T extends TFloating> Dense<T> allHeads(
      ParameterFactory<T> parameters, String name, AttentionSpec spec, int heads) {
    var keys = IntStream.range(0, heads).mapToObj(i -> name + "." + i + ".weight").toList();
    return new Dense<>(
        parameters.create(
            Parameter.sliced(
                name + ".weight",
                Shape.of(heads * spec.headDim(), spec.channels()),
                Initialization.linear(spec.channels()),
                keys)),
        null);
  }

  private static <T extends TFloating> List<Dense<T>> output(
      ParameterFactory<T> parameters, String name, AttentionSpec spec) {
    long hd = spec.heads() * spec.headDim();
    Integer between = spec.outputIntermediateDim();
    if (between == null) {
      return List.of(Dense.declare(parameters, name + ".w_o", hd, spec.channels()));
    }
    return List.of(
        Dense.declare(parameters, name + ".w_o_1", hd, between),
        Dense.declare(parameters, name + ".w_o_2", between, spec.channels()));
  }

  /** An attention like this with each weight replaced. */
  public <U extends TFloating> MultiHeadAttention<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new MultiHeadAttention<>(weights.map(replace));
  }

  /**
   * Self-attention without padding.
   *
   * @param x [b,n,c]
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   * @throws IllegalArgumentException if the shape doesn't fit the weights
   */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    return call(tf, x, x, null, dropout, key);
  }

  /**
   * Attention of x to a source.
   *
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]; x itself in self-attention
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]; what stands at the source's padded positions has no part in it
   * @throws IllegalArgumentException if the shapes don't fit the weights
   */
  public Operand<T> call(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    boolean self = x.asOutput().equals(source.asOutput());
    Operand<T> tame = self ? Masks.tamePadding(tf, x, mask) : x; // [b,n,c]
    return callWithoutBias(tf, tame, self ? tame : source, mask, dropout, key).sum(tf); // [b,n,c]
  }

  /**
   * {@link #call} with the last bias not yet added, unless a dropout comes after it. Numbers at
   * padded positions of x are taken as they are, see {@link Masks#tamePadding}.
   *
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   * @throws IllegalArgumentException if the shapes don't fit the weights
   */
  public LinearOutput<T> callWithoutBias(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    Shapes.requireRank("MultiHeadAttention", x, 3);
    Shapes.requireRank("MultiHeadAttention source", source, 3);
    long c = weights.queries().weight().shape().get(1);
    Shapes.requireAxis("MultiHeadAttention", x, 2, c, "channels");
    Shapes.requireAxis("MultiHeadAttention source", source, 2, c, "channels");
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    AttentionSteps<T> steps = weights.steps();
    ContractionPlan plan = steps.plan(x, source, mask, dropout, key);
    CompressedSource<T> compressed = steps.compressSource(tf, clean, plan);
    AttentionDropout onHeads = new AttentionDropout(dropout, key);
    Operand<T> y = steps.heads(tf, x, compressed, plan, mask, onHeads); // [b,n,out]
    return steps.finish(tf, y, dropout, key); // [b,n,c]
  }
}
