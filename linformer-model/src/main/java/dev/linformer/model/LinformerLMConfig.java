package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.ParameterFactory;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A model of token sequences, linformer-pytorch's LinformerLM: the encoder's keys, with dim_k 64,
 * dim_ff 1024, dropout_ff 0.1, depth 2 and dropout 0.05 unless set, and these.
 *
 * <pre>{@code
 * LinformerConfig stack =
 *     LinformerLMConfig.stackBuilder(2048, 64, 128).causal(true).build(); // n, c, k
 * var config = LinformerLMConfig.builder(stack, 256).build(); // 256 different tokens
 * }</pre>
 *
 * @param stack the encoder or decoder between embedding and logits
 * @param vocabularySize [num_tokens] tokens are 0 … num_tokens − 1
 * @param embeddingDim [emb_dim] width of the embeddings; channels unless set
 * @param tokenDropout [dropout_tokens] on the embedded tokens, in [0,1); 0.1 unless set
 * @param positions [use_pos_emb], [learned_pos_emb] how positions are told apart
 * @param returnEmbeddings [return_emb] whether the output is embeddings, without logits
 */
public record LinformerLMConfig(
    LinformerConfig stack,
    int vocabularySize,
    int embeddingDim,
    double tokenDropout,
    Positions positions,
    boolean returnEmbeddings)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "lm";

  /** How positions are told apart. */
  public enum Positions {
    /** Not at all. */
    NONE,
    /** Sines and cosines. */
    SINUSOID,
    /** A trained vector each. */
    LEARNED
  }

  /**
   * Makes every check.
   *
   * @throws InvalidInputException if a value is out of its range, or two don't go together
   */
  public LinformerLMConfig {
    ConfigChecks.requireAtLeastOne("num_tokens", vocabularySize);
    if (embeddingDim < 1 || (positions == Positions.SINUSOID && embeddingDim % 2 != 0)) {
      throw new InvalidInputException(
          "emb_dim = %s, but an even width is expected with sines and cosines for positions"
              .formatted(embeddingDim));
    }
    ConfigChecks.requireWeight("emb_dim", embeddingDim, "channels", stack.channels());
    ConfigChecks.requireWeight("num_tokens", vocabularySize, "emb_dim", embeddingDim);
    ConfigChecks.requireWeight("input_size", stack.sequenceLength(), "emb_dim", embeddingDim);
    ConfigChecks.requireRate("dropout_tokens", tokenDropout);
  }

  /**
   * Begins a stack with a language model's defaults.
   *
   * @param sequenceLength n, the longest input
   * @param channels c
   * @param projectedLength k
   */
  public static LinformerConfigBuilder stackBuilder(
      int sequenceLength, int channels, int projectedLength) {
    return LinformerConfig.builder(sequenceLength, channels, projectedLength)
        .feedForwardDim(1024)
        .feedForwardDropout(0.1)
        .depth(2)
        .dropout(0.05);
  }

  /**
   * Begins a configuration with what has no default.
   *
   * @param stack an encoder, or a decoder
   * @param vocabularySize tokens are 0 … vocabularySize − 1
   */
  public static Builder builder(LinformerConfig stack, int vocabularySize) {
    return new Builder(stack, vocabularySize);
  }

  static LinformerLMConfig take(JsonObjectReader keys, DataSizes sizes) {
    return take(keys, stackBuilder(keys), sizes).build();
  }

  /** A stack of the sizes that the keys give. */
  static LinformerConfigBuilder stackBuilder(JsonObjectReader keys) {
    return stackBuilder(
        keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k", 64));
  }

  /** Takes all keys but the stack's three sizes, with the stack's values as defaults. */
  static Builder take(JsonObjectReader keys, LinformerConfigBuilder defaults, DataSizes sizes) {
    LinformerConfig stack = LinformerConfig.take(keys, defaults);
    Integer embeddingDim = keys.optionalInteger("emb_dim");
    boolean used = keys.flag("use_pos_emb", true);
    boolean learned = keys.flag("learned_pos_emb", false);
    if (learned && !used) {
      throw keys.invalid("learned_pos_emb", true, "false without use_pos_emb");
    }
    Builder builder =
        builder(stack, sizes.tokens(keys))
            .positions(learned ? Positions.LEARNED : used ? Positions.SINUSOID : Positions.NONE);
    if (embeddingDim != null) {
      builder.embeddingDim(embeddingDim);
    }
    return builder
        .tokenDropout(keys.number("dropout_tokens", builder.tokenDropout))
        .returnEmbeddings(keys.flag("return_emb", builder.returnEmbeddings));
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(stack);
  }

  @Override
  public LinformerLMConfig at(CheckpointLevel level) {
    return new LinformerLMConfig(
        stack.at(level), vocabularySize, embeddingDim, tokenDropout, positions, returnEmbeddings);
  }

  @Override
  public ObjectNode toJson() {
    return stack
        .toJson()
        .put(MODEL_TYPE, TYPE)
        .put("num_tokens", vocabularySize)
        .put("emb_dim", embeddingDim)
        .put("dropout_tokens", tokenDropout)
        .put("use_pos_emb", positions != Positions.NONE)
        .put("learned_pos_emb", positions == Positions.LEARNED)
        .put("return_emb", returnEmbeddings);
  }

  @Override
  public <T extends TFloating> LinformerLM<T> declare(
      ParameterFactory<T> parameters, String prefix) {
    return LinformerLM.declare(parameters, prefix, this);
  }

  @Override
  public <T extends TFloating> LinformerLM<T> declare(ParameterFactory<T> parameters) {
    return declare(parameters, "");
  }

  /** Collects the values of a language model. */
  public static final class Builder {

    private final LinformerConfig stack;
    private final int vocabularySize;
    private int embeddingDim;
    private double tokenDropout = 0.1;
    private Positions positions = Positions.SINUSOID;
    private boolean returnEmbeddings;

    private Builder(LinformerConfig stack, int vocabularySize) {
      this.stack = stack;
      this.vocabularySize = vocabularySize;
      embeddingDim = stack.channels();
    }

    /** Width of the embeddings, e; the stack's channels unless set. */
    public Builder embeddingDim(int value) {
      embeddingDim = value;
      return this;
    }

    /** On the embedded tokens, in [0,1); 0.1 unless set. */
    public Builder tokenDropout(double value) {
      tokenDropout = value;
      return this;
    }

    /** How positions are told apart; SINUSOID unless set. */
    public Builder positions(Positions value) {
      positions = value;
      return this;
    }

    /** Whether the output is embeddings, without logits; off unless set. */
    public Builder returnEmbeddings(boolean value) {
      returnEmbeddings = value;
      return this;
    }

    /**
     * @throws InvalidInputException if a value is out of its range, or two don't go together
     */
    public LinformerLMConfig build() {
      return new LinformerLMConfig(
          stack, vocabularySize, embeddingDim, tokenDropout, positions, returnEmbeddings);
    }
  }
}
