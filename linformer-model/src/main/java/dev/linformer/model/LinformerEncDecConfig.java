package dev.linformer.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.ParameterFactory;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * A model from one token sequence to another, linformer-pytorch's LinformerEncDec: the keys of two
 * language models with {@code enc_} and {@code dec_} before them; {@code activation} and {@code
 * checkpoint_level} are common to both. The encoder returns embeddings, the decoder attends to them
 * and is causal.
 *
 * <pre>{@code
 * LinformerConfig source = LinformerLMConfig.stackBuilder(512, 64, 128).build(); // n, c, k
 * LinformerConfig target = LinformerLMConfig.stackBuilder(512, 64, 128).build();
 * var config = LinformerEncDecConfig.builder(source, 256, target, 256).build();
 * }</pre>
 *
 * @param encoder returns embeddings
 * @param decoder in decoder mode; causal, unless its weights were trained with the leaking triangle
 */
public record LinformerEncDecConfig(LinformerLMConfig encoder, LinformerLMConfig decoder)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "encdec";

  /**
   * Makes every check of the two together.
   *
   * @throws InvalidInputException if the two don't go together
   */
  public LinformerEncDecConfig {
    LinformerConfig source = encoder.stack();
    LinformerConfig target = decoder.stack();
    if (!encoder.returnEmbeddings()
        || source.decoderMode()
        || decoder.returnEmbeddings()
        || !target.decoderMode()) {
      throw new InvalidInputException(
          "an encoder that returns embeddings, and a decoder in decoder mode that returns logits are expected");
    }
    if (!target.causal() && !target.leakingTriangle()) {
      throw new InvalidInputException(
          "dec_causal = false, but true is expected, or dec_leaking_triangle = true for weights that were trained with it");
    }
    if (source.activation() != target.activation()
        || source.checkpointLevel() != target.checkpointLevel()) {
      throw new InvalidInputException(
          "one activation and one checkpoint_level for encoder and decoder are expected");
    }
    if (encoder.embeddingDim() != target.channels()) {
      throw new InvalidInputException(
          "the encoder's embeddings have width %s, but dec_channels = %s is expected to be the same"
              .formatted(encoder.embeddingDim(), target.channels()));
    }
    if (source.sequenceLength() > target.sequenceLength()) {
      throw new InvalidInputException(
          "enc_input_size = %s, but at most dec_input_size = %s is expected: the decoder's projections have that many columns"
              .formatted(source.sequenceLength(), target.sequenceLength()));
    }
  }

  /**
   * Begins a configuration with two stacks as {@link LinformerLMConfig#stackBuilder} makes them.
   * The decoder's is put into decoder mode, and is causal unless it has the leaking triangle.
   *
   * @param encoder n at most that of the decoder
   * @param sourceVocabulary source tokens are 0 … sourceVocabulary − 1
   * @param decoder the same activation and checkpoint level as the encoder
   * @param targetVocabulary target tokens are 0 … targetVocabulary − 1
   */
  public static Builder builder(
      LinformerConfig encoder,
      int sourceVocabulary,
      LinformerConfig decoder,
      int targetVocabulary) {
    LinformerConfig causal =
        decoder.toBuilder().decoderMode(true).causal(!decoder.leakingTriangle()).build();
    return new Builder(
        LinformerLMConfig.builder(encoder, sourceVocabulary)
            .embeddingDim(decoder.channels())
            .returnEmbeddings(true),
        LinformerLMConfig.builder(causal, targetVocabulary));
  }

  static LinformerEncDecConfig take(JsonObjectReader keys) {
    return new LinformerEncDecConfig(half(keys, "enc_", true), half(keys, "dec_", false));
  }

  private static LinformerLMConfig half(JsonObjectReader all, String prefix, boolean isEncoder) {
    JsonObjectReader keys = all.prefixed(prefix, "activation", "checkpoint_level");
    LinformerConfigBuilder stack = LinformerLMConfig.stackBuilder(keys);
    if (!isEncoder) {
      boolean triangle = keys.flag("leaking_triangle", false);
      stack.decoderMode(true).leakingTriangle(triangle).causal(!triangle);
    }
    LinformerLMConfig.Builder half = LinformerLMConfig.take(keys, stack, DataSizes.UNKNOWN);
    boolean returnsEmbeddings = half.build().returnEmbeddings();
    if (keys.has("return_emb") && returnsEmbeddings != isEncoder) {
      throw keys.invalid("return_emb", returnsEmbeddings, String.valueOf(isEncoder));
    }
    return half.returnEmbeddings(isEncoder).build();
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(encoder.stack(), decoder.stack());
  }

  @Override
  public <T extends TFloating> LinformerEncDec<T> declare(
      ParameterFactory<T> parameters, String prefix) {
    return LinformerEncDec.declare(parameters, prefix, this);
  }

  @Override
  public <T extends TFloating> LinformerEncDec<T> declare(ParameterFactory<T> parameters) {
    return declare(parameters, "");
  }

  @Override
  public LinformerEncDecConfig at(CheckpointLevel level) {
    return new LinformerEncDecConfig(encoder.at(level), decoder.at(level));
  }

  @Override
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put(ModelConfig.MODEL_TYPE, TYPE);
    putAll(json, "enc_", encoder.toJson());
    putAll(json, "dec_", decoder.toJson());
    return json;
  }

  private static void putAll(ObjectNode json, String prefix, ObjectNode half) {
    half.properties()
        .forEach(
            entry -> {
              switch (entry.getKey()) {
                case ModelConfig.MODEL_TYPE -> {}
                case "activation", "checkpoint_level" -> json.set(entry.getKey(), entry.getValue());
                default -> json.set(prefix + entry.getKey(), entry.getValue());
              }
            });
  }

  /** Collects what encoder and decoder have in common beside their stacks. */
  public static final class Builder {

    private final LinformerLMConfig.Builder encoder;
    private final LinformerLMConfig.Builder decoder;

    private Builder(LinformerLMConfig.Builder encoder, LinformerLMConfig.Builder decoder) {
      this.encoder = encoder;
      this.decoder = decoder;
    }

    /** On the embedded tokens of both, in [0,1); 0.1 unless set. */
    public Builder tokenDropout(double value) {
      encoder.tokenDropout(value);
      decoder.tokenDropout(value);
      return this;
    }

    /** How both tell positions apart; SINUSOID unless set. */
    public Builder positions(LinformerLMConfig.Positions value) {
      encoder.positions(value);
      decoder.positions(value);
      return this;
    }

    /**
     * @throws InvalidInputException if a value is out of its range, or two don't go together
     */
    public LinformerEncDecConfig build() {
      return new LinformerEncDecConfig(encoder.build(), decoder.build());
    }
  }
}
