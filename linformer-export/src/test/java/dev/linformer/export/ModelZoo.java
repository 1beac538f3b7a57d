package dev.linformer.export;

import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.ProjectionMethod;
import dev.linformer.ops.Activation;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A small model of every kind, with every way of compressing, whose sizes all differ. */
final class ModelZoo {

  static final int N = 22;
  static final int K = 11;
  static final int CHANNELS = 14;
  static final int VOCABULARY = 19;
  static final int DEPTH = 2;

  /** With a source and a decoder that goes step by step. */
  static final Set<String> DECODED =
      Set.of(
          "encoder and decoder",
          "encoder and decoder, two output maps",
          "encoder and decoder, NONE",
          "language model with a source");

  private ModelZoo() {}

  static LinformerConfigBuilder stack() {
    return LinformerConfig.builder(N, CHANNELS, K)
        .heads(3)
        .headDim(5)
        .feedForwardDim(17)
        .depth(DEPTH)
        .dropout(0.5)
        .feedForwardDropout(0.5);
  }

  static LinformerLMConfig languageModel(LinformerConfig encoder, Positions positions) {
    return LinformerLMConfig.builder(encoder, VOCABULARY)
        .embeddingDim(CHANNELS)
        .tokenDropout(0.5)
        .positions(positions)
        .build();
  }

  /** All of them by name. */
  static Map<String, ModelConfig> all() {
    Map<String, ModelConfig> all = new LinkedHashMap<>();
    for (ProjectionMethod method : ProjectionMethod.values()) {
      all.put("encoder, " + method, stack().projectionMethod(method).build());
      all.put(
          "classifier, " + method,
          LinformerClassifierConfig.builder(
                  stack()
                      .projectionMethod(method)
                      .parameterSharing(ParameterSharing.HEADWISE)
                      .preNorm(true)
                      .build(),
                  VOCABULARY,
                  7)
              .tokenDropout(0.5)
              .build());
      all.put(
          "language model, " + method,
          languageModel(stack().projectionMethod(method).build(), Positions.SINUSOID));
    }
    for (Activation activation : Activation.values()) {
      all.put("encoder, " + activation, stack().activation(activation).build());
    }
    for (ParameterSharing sharing : ParameterSharing.values()) {
      all.put(
          "causal language model, " + sharing,
          languageModel(stack().causal(true).parameterSharing(sharing).build(), Positions.LEARNED));
    }
    all.put("encoder, full attention", stack().fullAttention(true).build());
    all.put(
        "encoder, two output maps",
        stack().outputIntermediateDim(23).parameterSharing(ParameterSharing.NONE).build());
    all.put("decoder", stack().decoderMode(true).parameterSharing(ParameterSharing.KV).build());
    all.put("causal full attention", stack().causal(true).fullAttention(true).build());
    all.put("encoder and decoder", encoderDecoder(null));
    all.put("encoder and decoder, two output maps", encoderDecoder(29));
    all.put(
        "encoder and decoder, NONE",
        encoderDecoder(
            null,
            stack()
                .parameterSharing(ParameterSharing.NONE)
                .preNorm(true)
                .oneKeyValueHead(true)
                .outputIntermediateDim(23)));
    all.put(
        "language model with a source",
        languageModel(
            stack().decoderMode(true).causal(true).parameterSharing(ParameterSharing.KV).build(),
            Positions.LEARNED));
    return all;
  }

  private static LinformerEncDecConfig encoderDecoder(@Nullable Integer between) {
    return encoderDecoder(between, stack());
  }

  static LinformerEncDecConfig encoderDecoder(
      @Nullable Integer between, LinformerConfigBuilder decoder) {
    LinformerConfig source =
        LinformerConfig.builder(13, 16, 5)
            .heads(2)
            .headDim(7)
            .feedForwardDim(11)
            .depth(1)
            .outputIntermediateDim(between)
            .build();
    return new LinformerEncDecConfig(
        LinformerLMConfig.builder(source, 23)
            .embeddingDim(CHANNELS)
            .tokenDropout(0.5)
            .returnEmbeddings(true)
            .build(),
        languageModel(decoder.decoderMode(true).causal(true).build(), Positions.SINUSOID));
  }
}
