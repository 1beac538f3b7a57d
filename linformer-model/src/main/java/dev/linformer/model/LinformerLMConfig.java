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
 * @param encoder between embedding and logits
 * @param vocabularySize [num_tokens] tokens are 0 … num_tokens − 1
 * @param embeddingDim [emb_dim] width of the embeddings; channels unless set
 * @param tokenDropout [dropout_tokens] on the embedded tokens, in [0,1); 0.1 unless set
 * @param positions [use_pos_emb], [learned_pos_emb] how positions are told apart
 * @param returnEmbeddings [return_emb] whether the output is embeddings, without logits
 */
public record LinformerLMConfig(
    LinformerConfig encoder,
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

  /** Makes every check. */
  public LinformerLMConfig {
    if (vocabularySize < 1) {
      throw new InvalidInputException(
          "num_tokens = %d, but at least 1 is expected".formatted(vocabularySize));
    }
    if (embeddingDim < 1 || (positions == Positions.SINUSOID && embeddingDim % 2 != 0)) {
      throw new InvalidInputException(
          "emb_dim = %d, but an even width is expected with sines and cosines for positions"
              .formatted(embeddingDim));
    }
    LinformerConfig.requireWeight("emb_dim", embeddingDim, "channels", encoder.channels());
    LinformerConfig.requireWeight("num_tokens", vocabularySize, "emb_dim", embeddingDim);
    LinformerConfig.requireWeight("input_size", encoder.sequenceLength(), "emb_dim", embeddingDim);
    LinformerConfig.requireRate("dropout_tokens", tokenDropout);
  }

  /** A builder of the encoder with a language model's defaults. */
  public static LinformerConfig.Builder encoderBuilder(
      int sequenceLength, int channels, int projectedLength) {
    return LinformerConfig.builder(sequenceLength, channels, projectedLength)
        .feedForwardDim(1024)
        .feedForwardDropout(0.1)
        .depth(2)
        .dropout(0.05);
  }

  static LinformerLMConfig take(JsonObjectReader keys) {
    return take(
        keys,
        encoderBuilder(
            keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k", 64)));
  }

  static LinformerLMConfig take(JsonObjectReader keys, LinformerConfig.Builder builder) {
    LinformerConfig encoder = LinformerConfig.take(keys, builder);
    Integer embeddingDim = keys.optionalInteger("emb_dim");
    boolean used = keys.flag("use_pos_emb", true);
    boolean learned = keys.flag("learned_pos_emb", false);
    if (learned && !used) {
      throw keys.invalid("learned_pos_emb", true, "false without use_pos_emb");
    }
    return new LinformerLMConfig(
        encoder,
        keys.integer("num_tokens"),
        embeddingDim == null ? encoder.channels() : embeddingDim,
        keys.number("dropout_tokens", 0.1),
        learned ? Positions.LEARNED : used ? Positions.SINUSOID : Positions.NONE,
        keys.flag("return_emb", false));
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(encoder);
  }

  @Override
  public LinformerLMConfig at(CheckpointLevel level) {
    return new LinformerLMConfig(
        encoder.at(level), vocabularySize, embeddingDim, tokenDropout, positions, returnEmbeddings);
  }

  @Override
  public ObjectNode toJson() {
    return encoder
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
  public <T extends TFloating> LinformerLM<T> declare(ParameterFactory<T> parameters) {
    return LinformerLM.declare(parameters, "", this);
  }
}
