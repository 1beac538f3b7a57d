package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Embedding;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Averages;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Shapes;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Sum;
import org.tensorflow.op.math.Cumsum;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/**
 * Token and position embedding, dropout, encoder, pooling, logits.
 *
 * <pre>{@code
 * LinformerConfig encoder = LinformerConfig.builder(2048, 64, 128).depth(4).build(); // n, c, k
 * var config = LinformerClassifierConfig.builder(encoder, 256, 10).build(); // tokens, classes
 * var model = LinformerClassifier.declare(weights, config); // weights: Variables of a graph
 * var logits = model.call(tf, tokens, null); // tokens [b,n] of TInt32; logits [b,10]
 * }</pre>
 *
 * @param <T> type of weights and output
 */
public final class LinformerClassifier<T extends TFloating> implements Model<T> {

  private final LinformerClassifierConfig config;
  private final Operand<T> tokenEmbedding; // [vocabulary,c]
  private final Operand<T> positionEmbedding; // [n,c]
  private final Linformer<T> encoder;
  private final Dense<T> logits; // c → classes

  private LinformerClassifier(
      LinformerClassifierConfig config,
      Operand<T> tokenEmbedding,
      Operand<T> positionEmbedding,
      Linformer<T> encoder,
      Dense<T> logits) {
    this.config = config;
    this.tokenEmbedding = tokenEmbedding;
    this.positionEmbedding = positionEmbedding;
    this.encoder = encoder;
    this.logits = logits;
  }

  /**
   * Asks for {@code to_token_emb.weight}, {@code pos_emb.weight}, the encoder's weights under
   * {@code linformer.} and {@code to_logits.*}.
   *
   * @param prefix before every name and key
   */
  public static <T extends TFloating> LinformerClassifier<T> declare(
      ParameterFactory<T> parameters, String prefix, LinformerClassifierConfig config) {
    int n = config.encoder().sequenceLength();
    int c = config.encoder().channels();
    return new LinformerClassifier<>(
        config,
        parameters.create(
            new Parameter(
                prefix + "to_token_emb.weight",
                Shape.of(config.vocabularySize(), c),
                Initialization.normal(1))),
        parameters.create(
            new Parameter(prefix + "pos_emb.weight", Shape.of(n, c), Initialization.normal(1))),
        Linformer.declare(parameters, prefix + "linformer.", config.encoder()),
        Dense.declare(parameters, prefix + "to_logits", c, config.classes()));
  }

  /** {@link #declare(ParameterFactory, String, LinformerClassifierConfig)} without a prefix. */
  public static <T extends TFloating> LinformerClassifier<T> declare(
      ParameterFactory<T> parameters, LinformerClassifierConfig config) {
    return declare(parameters, "", config);
  }

  /** {@code tokens} [b,n] and {@code mask}. */
  @Override
  public List<Input> inputs() {
    int n = config.encoder().sequenceLength();
    return List.of(
        Input.tokens(LinformerLM.TOKENS, n, config.vocabularySize()),
        Input.mask(Linformer.MASK, n));
  }

  @Override
  public String outputName() {
    return "logits";
  }

  @Override
  public Operand<T> call(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return call(
        tf, Model.require(inputs, LinformerLM.TOKENS), Model.find(inputs, Linformer.MASK), key);
  }

  @Override
  public Operand<T> embed(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return embed(
        tf,
        Model.require(inputs, LinformerLM.TOKENS),
        Model.find(inputs, Linformer.MASK),
        key); // [b,c]
  }

  @Override
  public Operand<T> head(Ops tf, Operand<T> embeddings) {
    return logits.call(tf, embeddings); // [b,classes]
  }

  /** A model without padding. */
  public Operand<T> call(Ops tf, Operand<TInt32> tokens, @Nullable RandomKey key) {
    return call(tf, tokens, null, key);
  }

  /**
   * Adds the model to the graph.
   *
   * @param tokens [b,n]; n may be shorter than the configuration's
   * @param mask [b,n], true at real positions; null if all are
   * @param key source of the dropout masks; null outside training
   * @return logits [b,classes]
   * @throws IllegalArgumentException if there are more tokens than input_size
   */
  public Operand<T> call(
      Ops tf, Operand<TInt32> tokens, @Nullable Operand<TBool> mask, @Nullable RandomKey key) {
    return head(tf, embed(tf, tokens, mask, key)); // [b,classes]
  }

  private Operand<T> embed(
      Ops tf, Operand<TInt32> tokens, @Nullable Operand<TBool> mask, @Nullable RandomKey key) {
    Shapes.requireRank("LinformerClassifier input", tokens, 2);
    int most = config.encoder().sequenceLength();
    Shapes.requireAtMost("LinformerClassifier input", tokens, 1, most, "input_size");
    long n = tokens.shape().get(1);
    Operand<T> embedded = Embedding.call(tf, tokenEmbedding, tokens); // [b,n,c]
    Operand<T> x = tf.math.add(embedded, Shapes.slice(tf, positionEmbedding, 0, 0, n)); // [b,n,c]
    x = Dropout.apply(tf, x, config.tokenDropout(), key == null ? null : key.fold(0)); // [b,n,c]
    Operand<T> y =
        encoder.call(tf, x, Context.withMask(mask), key == null ? null : key.fold(1)); // [b,n,c]
    return pool(tf, y, mask); // [b,c]
  }

  /** [b,n,c] → [b,c], from real positions alone. */
  private Operand<T> pool(Ops tf, Operand<T> y, @Nullable Operand<TBool> mask) {
    return switch (config.pooling()) {
      case FIRST ->
          mask == null ? tf.gather(y, tf.constant(0), tf.constant(1)) : first(tf, y, mask);
      case MEAN -> Float32Math.apply(tf, y, new MeanOf(mask)); // [b,c]
    };
  }

  /** The vector of each sequence's first real position; zeros if it has none. */
  private static <T extends TFloating> Operand<T> first(Ops tf, Operand<T> y, Operand<TBool> mask) {
    Operand<TFloat32> before = // real positions, [b,n]
        tf.math.cumsum(
            tf.dtypes.cast(mask, TFloat32.class), tf.constant(1), Cumsum.exclusive(true));
    Operand<TBool> first = tf.math.logicalAnd(mask, tf.math.less(before, tf.constant(1f))); // [b,n]
    return tf.sum(Masks.zeroPadding(tf, y, first), tf.constant(1)); // [b,c]
  }

  /** The mean over real positions, [b,n,c] → [b,c]; zeros if there are none. */
  private record MeanOf(@Nullable Operand<TBool> mask) implements Float32Math.ElementwiseFunction {
    @Override
    public <T extends TFloating> Operand<T> apply(Ops tf, Operand<T> y) {
      if (mask == null) {
        return Averages.over(tf, y, false, 1); // [b,c]
      }
      Operand<T> sum = tf.sum(Masks.zeroPadding(tf, y, mask), tf.constant(1)); // [b,c]
      Operand<T> count =
          tf.sum(tf.dtypes.cast(mask, y.type()), tf.constant(1), Sum.keepDims(true)); // [b,1]
      return tf.math.divNoNan(sum, count); // [b,c]
    }
  }
}
