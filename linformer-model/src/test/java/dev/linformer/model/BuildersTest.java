package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.linformer.model.LinformerLMConfig.Positions;
import org.junit.jupiter.api.Test;

/** The builders: what is set, and what is not set is as in a config.json without the key. */
class BuildersTest {

  private static LinformerConfigBuilder stack(int n) {
    return LinformerLMConfig.stackBuilder(n, 8, 5);
  }

  @Test
  void aClassifier() {
    LinformerConfig encoder = LinformerConfig.builder(15, 8, 5).build();
    var config = LinformerClassifierConfig.builder(encoder, 19, 3).build();
    assertEquals(new LinformerClassifierConfig(encoder, 19, 3, Pooling.MEAN, 0.1), config);
    assertEquals(
        config,
        ModelConfig.parse(
            """
            {"model_type": "classifier", "num_tokens": 19, "num_classes": 3,
             "input_size": 15, "channels": 8, "dim_k": 5}"""));
    assertEquals(
        new LinformerClassifierConfig(encoder, 19, 3, Pooling.FIRST, 0.25),
        LinformerClassifierConfig.builder(encoder, 19, 3)
            .pooling(Pooling.FIRST)
            .tokenDropout(0.25)
            .build());
    assertEquals(
        "num_classes = 1, but at least 2 is expected",
        Values.refusal(() -> LinformerClassifierConfig.builder(encoder, 19, 1).build()));
    assertEquals(
        "num_tokens = 0, but at least 1 is expected",
        Values.refusal(() -> LinformerClassifierConfig.builder(encoder, 0, 3).build()));
  }

  @Test
  void aLanguageModel() {
    LinformerConfig stack = stack(127).build();
    var config = LinformerLMConfig.builder(stack, 19).build();
    assertEquals(new LinformerLMConfig(stack, 19, 8, 0.1, Positions.SINUSOID, false), config);
    assertEquals(
        config,
        ModelConfig.parse(
            """
            {"model_type": "lm", "num_tokens": 19, "input_size": 127, "channels": 8,
             "dim_k": 5}"""));
    assertEquals(
        new LinformerLMConfig(stack, 19, 7, 0.25, Positions.LEARNED, true),
        LinformerLMConfig.builder(stack, 19)
            .embeddingDim(7)
            .tokenDropout(0.25)
            .positions(Positions.LEARNED)
            .returnEmbeddings(true)
            .build());
    assertEquals(
        "num_tokens = 0, but at least 1 is expected",
        Values.refusal(() -> LinformerLMConfig.builder(stack, 0).build()));
  }

  @Test
  void anEncoderAndDecoder() {
    var config =
        LinformerEncDecConfig.builder(stack(113).build(), 19, stack(127).build(), 23).build();
    assertEquals(
        config,
        ModelConfig.parse(
            """
            {"model_type": "encdec", "enc_num_tokens": 19, "enc_input_size": 113,
             "enc_channels": 8, "enc_dim_k": 5, "dec_num_tokens": 23, "dec_input_size": 127,
             "dec_channels": 8, "dec_dim_k": 5}"""));
    LinformerConfig wide = LinformerLMConfig.stackBuilder(127, 12, 5).leakingTriangle(true).build();
    var other =
        LinformerEncDecConfig.builder(stack(113).build(), 19, wide, 23)
            .tokenDropout(0.25)
            .positions(Positions.LEARNED)
            .build();
    LinformerConfig decoder = wide.toBuilder().decoderMode(true).build();
    assertEquals(
        new LinformerEncDecConfig(
            new LinformerLMConfig(stack(113).build(), 19, 12, 0.25, Positions.LEARNED, true),
            new LinformerLMConfig(decoder, 23, 12, 0.25, Positions.LEARNED, false)),
        other);
    assertInstanceOf(LinformerEncDecConfig.class, ModelConfig.parse(other.toJson().toString()));
  }

  @Test
  void anotherSizeOfTheSameStack() {
    LinformerConfig config = stack(127).heads(2).build();
    assertEquals(stack(31).heads(2).build(), config.toBuilder().sequenceLength(31).build());
    assertEquals(
        "dim_k = 32, but 1 to input_size = 31 is expected: the projection shortens a sequence",
        Values.refusal(() -> config.toBuilder().sequenceLength(31).projectedLength(32).build()));
  }
}
