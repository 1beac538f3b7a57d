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
 * @param encoder returns embeddings
 * @param decoder in decoder mode; causal, unless its weights were trained with the leaking triangle
 */
public record LinformerEncDecConfig(LinformerLMConfig encoder, LinformerLMConfig decoder)
    implements ModelConfig {

  /** The value of {@value ModelConfig#MODEL_TYPE}. */
  public static final String TYPE = "encdec";

  /** Makes every check of the two together. */
  public LinformerEncDecConfig {
    LinformerConfig stack = decoder.encoder();
    if (!encoder.returnEmbeddings()
        || encoder.encoder().decoderMode()
        || decoder.returnEmbeddings()
        || !stack.decoderMode()) {
      throw new InvalidInputException(
          "an encoder that returns embeddings, and a decoder in decoder mode that returns logits are expected");
    }
    if (!stack.causal() && !stack.leakingTriangle()) {
      throw new InvalidInputException(
          "dec_causal = false, but true is expected, or dec_leaking_triangle = true for weights that were trained with it");
    }
    if (encoder.encoder().activation() != stack.activation()
        || encoder.encoder().checkpointLevel() != stack.checkpointLevel()) {
      throw new InvalidInputException(
          "one activation and one checkpoint_level for encoder and decoder are expected");
    }
    if (encoder.embeddingDim() != decoder.encoder().channels()) {
      throw new InvalidInputException(
          "the encoder's embeddings have width %d, but dec_channels = %d is expected to be the same"
              .formatted(encoder.embeddingDim(), decoder.encoder().channels()));
    }
    if (encoder.encoder().sequenceLength() > decoder.encoder().sequenceLength()) {
      throw new InvalidInputException(
          "enc_input_size = %d, but at most dec_input_size = %d is expected: the decoder's projections have that many columns"
              .formatted(encoder.encoder().sequenceLength(), decoder.encoder().sequenceLength()));
    }
  }

  static LinformerEncDecConfig take(JsonObjectReader keys) {
    return new LinformerEncDecConfig(half(keys, "enc_", true), half(keys, "dec_", false));
  }

  private static LinformerLMConfig half(JsonObjectReader all, String prefix, boolean isEncoder) {
    JsonObjectReader keys = all.prefixed(prefix, "activation", "checkpoint_level");
    LinformerConfig.Builder builder =
        LinformerLMConfig.encoderBuilder(
            keys.integer("input_size"), keys.integer("channels"), keys.integer("dim_k", 64));
    if (!isEncoder) {
      boolean triangle = keys.flag("leaking_triangle", false);
      builder.decoderMode(true).leakingTriangle(triangle).causal(!triangle);
    }
    LinformerLMConfig half = LinformerLMConfig.take(keys, builder);
    if (keys.has("return_emb") && half.returnEmbeddings() != isEncoder) {
      throw keys.invalid("return_emb", half.returnEmbeddings(), String.valueOf(isEncoder));
    }
    return new LinformerLMConfig(
        half.encoder(),
        half.vocabularySize(),
        half.embeddingDim(),
        half.tokenDropout(),
        half.positions(),
        isEncoder);
  }

  @Override
  public String modelType() {
    return TYPE;
  }

  @Override
  public List<LinformerConfig> stacks() {
    return List.of(encoder.encoder(), decoder.encoder());
  }

  @Override
  public <T extends TFloating> LinformerEncDec<T> declare(ParameterFactory<T> parameters) {
    return LinformerEncDec.declare(parameters, this);
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
}
