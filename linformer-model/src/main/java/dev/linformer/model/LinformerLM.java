package dev.linformer.model;

import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Embedding;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.PositionalEncoding;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.IncrementalDecoding;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Token embedding, positions, dropout, encoder or decoder, logits for every position.
 *
 * <pre>{@code
 * LinformerConfig stack =
 *     LinformerLMConfig.stackBuilder(2048, 64, 128).causal(true).build(); // n, c, k
 * var config = LinformerLMConfig.builder(stack, 256).build(); // 256 different tokens
 * var model = LinformerLM.declare(weights, config); // weights: Variables of a graph
 * var logits = model.call(tf, tokens, null); // tokens [b,n] of TInt32; logits [b,n,256]
 * }</pre>
 *
 * @param <T> type of weights and output
 */
public final class LinformerLM<T extends TFloating> implements Model<T> {

  static final String TOKENS = "tokens";

  private final LinformerLMConfig config;
  private final Operand<T> tokenEmbedding; // [vocabulary,e]
  private final @Nullable Operand<T> positionEmbedding; // [n,e]
  private final @Nullable Dense<T> projectIn; // e → c
  private final Linformer<T> stack;
  private final @Nullable Dense<T> projectOut; // c → e
  private final @Nullable Dense<T> logits; // e → vocabulary

  private LinformerLM(
      LinformerLMConfig config,
      Operand<T> tokenEmbedding,
      @Nullable Operand<T> positionEmbedding,
      @Nullable Dense<T> projectIn,
      Linformer<T> stack,
      @Nullable Dense<T> projectOut,
      @Nullable Dense<T> logits) {
    this.config = config;
    this.tokenEmbedding = tokenEmbedding;
    this.positionEmbedding = positionEmbedding;
    this.projectIn = projectIn;
    this.stack = stack;
    this.projectOut = projectOut;
    this.logits = logits;
  }

  /**
   * Asks for {@code to_token_emb.weight}, the encoder's weights under {@code linformer.}, or {@code
   * linformer.fn.} between {@code linformer.project_in} and {@code project_out} where embeddings
   * have a width of their own, and {@code to_logits.*}.
   *
   * @param prefix before every name and key
   */
  public static <T extends TFloating> LinformerLM<T> declare(
      ParameterFactory<T> parameters, String prefix, LinformerLMConfig config) {
    int e = config.embeddingDim();
    int c = config.stack().channels();
    boolean resized = e != c;
    String inner = prefix + "linformer.";
    Operand<T> tokens =
        parameters.create(
            new Parameter(
                prefix + "to_token_emb.weight",
                Shape.of(config.vocabularySize(), e),
                Initialization.normal(1)));
    Operand<T> positions =
        config.positions() == Positions.LEARNED
            ? parameters.create(
                new Parameter(
                    prefix + "pos_emb.weight",
                    Shape.of(config.stack().sequenceLength(), e),
                    Initialization.normal(1)))
            : null;
    return new LinformerLM<>(
        config,
        tokens,
        positions,
        resized ? Dense.declare(parameters, inner + "project_in", e, c) : null,
        Linformer.declare(parameters, resized ? inner + "fn." : inner, config.stack()),
        resized ? Dense.declare(parameters, inner + "project_out", c, e) : null,
        config.returnEmbeddings()
            ? null
            : Dense.declare(parameters, prefix + "to_logits", e, config.vocabularySize()));
  }

  /** {@link #declare(ParameterFactory, String, LinformerLMConfig)} without a prefix. */
  public static <T extends TFloating> LinformerLM<T> declare(
      ParameterFactory<T> parameters, LinformerLMConfig config) {
    return declare(parameters, "", config);
  }

  /** {@code tokens} [b,n] and {@code mask}; in decoder mode {@code source} and its mask too. */
  @Override
  public List<Input> inputs() {
    int n = config.stack().sequenceLength();
    List<Input> inputs = new ArrayList<>(stack.inputs());
    inputs.set(0, Input.tokens(TOKENS, n, config.vocabularySize()));
    return inputs;
  }

  @Override
  public String outputName() {
    return config.returnEmbeddings() ? "embeddings" : "logits";
  }

  @Override
  public Operand<T> call(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return call(tf, Model.require(inputs, TOKENS), Context.of(inputs), key);
  }

  @Override
  public Operand<T> embed(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return embed(tf, Model.require(inputs, TOKENS), Context.of(inputs), key); // [b,n,e]
  }

  @Override
  public Operand<T> head(Ops tf, Operand<T> embeddings) {
    return logits == null ? embeddings : logits.call(tf, embeddings); // [b,n,vocabulary]
  }

  /** A model without padding and source. */
  public Operand<T> call(Ops tf, Operand<TInt32> tokens, @Nullable RandomKey key) {
    return call(tf, tokens, Context.none(), key);
  }

  /**
   * Adds the model to the graph.
   *
   * @param tokens [b,n]; n may be shorter than the configuration's
   * @param context padding, and in decoder mode a source [b,s,c]
   * @param key source of the dropout masks; null outside training
   * @return logits [b,n,vocabulary], or embeddings [b,n,e]
   * @throws IllegalArgumentException if there are more tokens than input_size
   */
  public Operand<T> call(
      Ops tf, Operand<TInt32> tokens, Context<T> context, @Nullable RandomKey key) {
    return head(tf, embed(tf, tokens, context, key)); // [b,n,vocabulary]
  }

  /** The embeddings that the logits are made of, [b,n,e]. */
  Operand<T> embed(Ops tf, Operand<TInt32> tokens, Context<T> context, @Nullable RandomKey key) {
    Shapes.requireRank("LinformerLM input", tokens, 2);
    int most = config.stack().sequenceLength();
    Shapes.requireAtMost("LinformerLM input", tokens, 1, most, "input_size");
    Operand<T> x = Embedding.call(tf, tokenEmbedding, tokens); // [b,n,e]
    x = addPositions(tf, x); // [b,n,e]
    x = Dropout.apply(tf, x, config.tokenDropout(), key == null ? null : key.fold(0)); // [b,n,e]
    if (projectIn != null) {
      x = projectIn.call(tf, x); // [b,n,c]
    }
    Operand<T> y = stack.call(tf, x, context, key == null ? null : key.fold(1)); // [b,n,c]
    return projectOut == null ? y : projectOut.call(tf, y); // [b,n,e]
  }

  private Operand<T> addPositions(Ops tf, Operand<T> x) {
    long n = x.shape().get(1);
    return switch (config.positions()) {
      case NONE -> x;
      case SINUSOID ->
          tf.math.add(
              x, PositionalEncoding.sinusoid(tf, n, config.embeddingDim(), x.type())); // [b,n,e]
      case LEARNED ->
          positionEmbedding == null
              ? x
              : tf.math.add(x, Shapes.slice(tf, positionEmbedding, 0, 0, n)); // [b,n,e]
    };
  }

  /**
   * The shapes of the states of {@link #step}, for one sequence.
   *
   * @throws IllegalArgumentException if the model's attentions cannot go step by step: they must be
   *     causal with a learned or fixed projection
   */
  public List<Shape> stateShapes() {
    return stack.stateShapes();
  }

  /** The shapes of what {@link #compress} gives, for one sequence; none without a source. */
  public List<Shape> sourceShapes() {
    return stack.sourceShapes();
  }

  /**
   * A source as each layer of a decoder attends to it, for {@link #step}.
   *
   * @param inputs {@code source} [b,s,c] and, if not all of its positions are real, {@code
   *     source_mask} [b,s]
   * @return one for each layer, of {@link #sourceShapes} with b in the place of 1
   */
  public List<CompressedKeyValues<T>> compress(Ops tf, Map<String, Operand<?>> inputs) {
    return compress(
        tf, Model.require(inputs, Linformer.SOURCE), Model.find(inputs, Linformer.SOURCE_MASK));
  }

  List<CompressedKeyValues<T>> compress(Ops tf, Operand<T> source, @Nullable Operand<TBool> mask) {
    return stack.compress(tf, source, mask);
  }

  /**
   * One token more of a causal model, in O(k·d) a layer: the logits that {@link #call} gives for
   * that position of the whole sequence.
   *
   * @param token [b,1]
   * @param position a scalar counted from 0, below input_size
   * @param states one for each layer, of {@link #stateShapes} with b in the place of 1, in float32
   *     or float64, zeros at the beginning; replaced by those after the token
   * @param sources of {@link #compress}; none for a model without a source
   * @return logits [b,1,vocabulary], or embeddings
   */
  public <S extends TFloating> Operand<T> step(
      Ops tf,
      Operand<TInt32> token,
      Operand<TInt64> position,
      List<IncrementalDecoding.State<S>> states,
      List<CompressedKeyValues<T>> sources) {
    Operand<T> x = tf.gather(tokenEmbedding, token, tf.constant(0)); // [b,1,e]
    Operand<TInt64> place = tf.reshape(position, tf.constant(new long[] {1})); // [1]
    x =
        switch (config.positions()) {
          case NONE -> x;
          case SINUSOID ->
              tf.math.add(
                  x, PositionalEncoding.sinusoid(tf, place, config.embeddingDim(), x.type()));
          case LEARNED ->
              positionEmbedding == null
                  ? x
                  : tf.math.add(x, tf.gather(positionEmbedding, place, tf.constant(0)));
        }; // [b,1,e]
    if (projectIn != null) {
      x = projectIn.call(tf, x); // [b,1,c]
    }
    Operand<T> y = stack.step(tf, x, position, states, sources); // [b,1,c]
    if (projectOut != null) {
      y = projectOut.call(tf, y); // [b,1,e]
    }
    return head(tf, y); // [b,1,vocabulary]
  }
}
