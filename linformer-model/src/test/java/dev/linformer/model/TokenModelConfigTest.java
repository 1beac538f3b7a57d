package dev.linformer.model;

import static dev.linformer.model.OptionsConfigTest.again;
import static dev.linformer.model.OptionsConfigTest.assertRefused;
import static dev.linformer.model.OptionsConfigTest.parse;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Activation;
import org.junit.jupiter.api.Test;

/** The configurations of the language model and the encoder-decoder. */
class TokenModelConfigTest {

  private static final String LM =
      "\"model_type\": \"lm\", \"num_tokens\": 19, \"input_size\": 127, \"channels\": 8";
  private static final String ENCDEC =
      "\"model_type\": \"encdec\", \"enc_num_tokens\": 19, \"enc_input_size\": 113,"
          + " \"enc_channels\": 8, \"dec_num_tokens\": 23, \"dec_input_size\": 127,"
          + " \"dec_channels\": 8";

  @Test
  void aLanguageModelsDefaults() {
    LinformerConfig encoder =
        LinformerConfig.builder(127, 8, 64)
            .feedForwardDim(1024)
            .feedForwardDropout(0.1)
            .depth(2)
            .dropout(0.05)
            .build();
    var expected = LinformerLMConfig.builder(encoder, 19).embeddingDim(8).build();
    assertEquals(expected, parse(LM));
    assertEquals(encoder, LinformerLMConfig.stackBuilder(127, 8, 64).build());
    assertRefused(
        "dim_k = 64, but 1 to input_size = 17 is expected: the projection shortens a sequence",
        LM.replace("127", "17"));
  }

  @Test
  void aLanguageModelThroughJsonAndBack() {
    LinformerConfig encoder = LinformerConfig.builder(15, 8, 5).causal(true).build();
    for (Positions positions : Positions.values()) {
      for (boolean embeddings : new boolean[] {false, true}) {
        var config =
            LinformerLMConfig.builder(encoder, 19)
                .embeddingDim(6)
                .tokenDropout(0.25)
                .positions(positions)
                .returnEmbeddings(embeddings)
                .build();
        assertEquals(config, again(config));
      }
    }
    var odd =
        LinformerLMConfig.builder(encoder, 19)
            .embeddingDim(7)
            .tokenDropout(0)
            .positions(Positions.LEARNED)
            .build();
    assertEquals(odd, again(odd));
    assertEquals(
        LinformerLMConfig.builder(LinformerLMConfig.stackBuilder(127, 8, 64).build(), 19)
            .embeddingDim(6)
            .tokenDropout(0.25)
            .positions(Positions.NONE)
            .returnEmbeddings(true)
            .build(),
        parse(
            LM
                + ", \"emb_dim\": 6, \"dropout_tokens\": 0.25, \"use_pos_emb\": false,"
                + " \"return_emb\": true"));
  }

  @Test
  void aLanguageModelsMistakes() {
    assertRefused(
        "emb_dim = 7, but an even width is expected with sines and cosines for positions",
        LM + ", \"emb_dim\": 7");
    assertRefused(
        "emb_dim = 9, but an even width is expected with sines and cosines for positions",
        LM.replace("\"channels\": 8", "\"channels\": 9, \"nhead\": 3"));
    assertRefused(
        "json: learned_pos_emb = true, but false without use_pos_emb is expected",
        LM + ", \"use_pos_emb\": false, \"learned_pos_emb\": true");
    assertRefused(
        "num_tokens = 0, but at least 1 is expected",
        LM.replace("\"num_tokens\": 19", "\"num_tokens\": 0"));
    assertRefused(
        "dropout_tokens = 1.0, but a rate from 0 up to, not including, 1 is expected",
        LM + ", \"dropout_tokens\": 1.0");
    String message = Values.refusal(() -> parse(LM + ", \"num_classes\": 3"));
    assertTrue(message.startsWith("json: unknown key \"num_classes\"; known are "), message);
  }

  private static LinformerLMConfig half(
      LinformerConfigBuilder builder, int vocabulary, boolean embeddings) {
    return LinformerLMConfig.builder(builder.build(), vocabulary)
        .embeddingDim(8)
        .returnEmbeddings(embeddings)
        .build();
  }

  @Test
  void anEncoderDecodersDefaults() {
    assertEquals(
        new LinformerEncDecConfig(
            half(LinformerLMConfig.stackBuilder(113, 8, 64), 19, true),
            half(
                LinformerLMConfig.stackBuilder(127, 8, 64).decoderMode(true).causal(true),
                23,
                false)),
        parse(ENCDEC));
    assertEquals(
        new LinformerEncDecConfig(
            half(LinformerLMConfig.stackBuilder(113, 8, 64).activation(Activation.RELU), 19, true),
            half(
                LinformerLMConfig.stackBuilder(127, 8, 64)
                    .activation(Activation.RELU)
                    .decoderMode(true)
                    .leakingTriangle(true),
                23,
                false)),
        parse(ENCDEC + ", \"activation\": \"relu\", \"dec_leaking_triangle\": true"));
  }

  @Test
  void anEncoderDecoderThroughJsonAndBack() {
    LinformerConfig encoder =
        LinformerConfig.builder(15, 13, 5)
            .headDim(3)
            .parameterSharing(ParameterSharing.KV)
            .projectionMethod(ProjectionMethod.MAX_POOL)
            .activation(Activation.RELU)
            .depth(3)
            .dropout(0.25)
            .build();
    LinformerConfig decoder =
        LinformerConfig.builder(17, 10, 7)
            .headDim(5)
            .heads(2)
            .parameterSharing(ParameterSharing.NONE)
            .projectedLengthStep(2)
            .activation(Activation.RELU)
            .decoderMode(true)
            .causal(true)
            .outputIntermediateDim(11)
            .build();
    var config =
        new LinformerEncDecConfig(
            LinformerLMConfig.builder(encoder, 19)
                .embeddingDim(10)
                .tokenDropout(0.125)
                .positions(Positions.LEARNED)
                .returnEmbeddings(true)
                .build(),
            LinformerLMConfig.builder(decoder, 23)
                .embeddingDim(9)
                .tokenDropout(0)
                .positions(Positions.NONE)
                .build());
    assertEquals(config, again(config));
    ObjectNode json = config.toJson();
    assertEquals("encdec", json.path("model_type").asText());
    assertEquals("relu", json.path("activation").asText());
    assertFalse(json.has("enc_activation") || json.has("dec_model_type") || json.has("dim_k"));
  }

  @Test
  void keysOfTheHalves() {
    assertUnknown("enc_classes", ENCDEC + ", \"enc_classes\": 3");
    assertUnknown("dec_num_heads", ENCDEC + ", \"dec_num_heads\": 3");
    assertUnknown("enc_activation", ENCDEC + ", \"enc_activation\": \"relu\"");
    assertUnknown("dec_checkpoint_level", ENCDEC + ", \"dec_checkpoint_level\": \"C0\"");
    assertUnknown("depth", ENCDEC + ", \"depth\": 3");
    assertRefused(
        "json: key \"dec_channels\" is missing", ENCDEC.replace(", \"dec_channels\": 8", ""));
    assertRefused(
        "json: key \"enc_num_tokens\" is missing", ENCDEC.replace("\"enc_num_tokens\": 19, ", ""));
    assertRefused(
        "json: dec_depth = true, but a whole number is expected", ENCDEC + ", \"dec_depth\": true");
  }

  private static void assertUnknown(String key, String json) {
    String message = Values.refusal(() -> parse(json));
    assertTrue(
        message.startsWith("json: unknown key \"%s\"; known are model_type, ".formatted(key)),
        message);
    assertTrue(message.contains("enc_input_size") && message.contains("dec_glu"), message);
  }

  @Test
  void halvesThatDontGoTogether() {
    assertRefused(
        "the encoder's embeddings have width 6, but dec_channels = 8 is expected to be the same",
        ENCDEC + ", \"enc_emb_dim\": 6");
    assertRefused(
        "enc_input_size = 131, but at most dec_input_size = 127 is expected: the decoder's"
            + " projections have that many columns",
        ENCDEC.replace("113", "131"));
    assertRefused(
        "dec_causal = false, but true is expected, or dec_leaking_triangle = true for weights that"
            + " were trained with it",
        ENCDEC + ", \"dec_causal\": false");
    String roles =
        "an encoder that returns embeddings, and a decoder in decoder mode that returns logits are"
            + " expected";
    assertRefused(roles, ENCDEC + ", \"enc_decoder_mode\": true");
    assertRefused(roles, ENCDEC + ", \"dec_decoder_mode\": false");
    assertRefused(
        "json: enc_return_emb = false, but true is expected",
        ENCDEC + ", \"enc_return_emb\": false");
    assertRefused(
        "json: dec_return_emb = true, but false is expected",
        ENCDEC + ", \"dec_return_emb\": true");
    LinformerLMConfig encoder = half(LinformerConfig.builder(15, 8, 5), 19, true);
    LinformerLMConfig decoder =
        half(
            LinformerConfig.builder(15, 8, 5)
                .decoderMode(true)
                .causal(true)
                .activation(Activation.RELU),
            19,
            false);
    assertEquals(
        "one activation and one checkpoint_level for encoder and decoder are expected",
        Values.refusal(() -> new LinformerEncDecConfig(encoder, decoder)));
    assertEquals(roles, Values.refusal(() -> new LinformerEncDecConfig(decoder, decoder)));
    assertEquals(roles, Values.refusal(() -> new LinformerEncDecConfig(encoder, encoder)));
  }
}
