package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Activation;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The options of an encoder, and the language model's and the encoder-decoder's configuration. */
class OptionsConfigTest {

  private static final String ENCODER = "\"input_size\": 15, \"channels\": 8, \"dim_k\": 5";
  private static final String LM =
      "\"model_type\": \"lm\", \"num_tokens\": 19, \"input_size\": 127, \"channels\": 8";
  private static final String ENCDEC =
      "\"model_type\": \"encdec\", \"enc_num_tokens\": 19, \"enc_input_size\": 113,"
          + " \"enc_channels\": 8, \"dec_num_tokens\": 23, \"dec_input_size\": 127,"
          + " \"dec_channels\": 8";

  private static ModelConfig parse(String json) {
    try {
      var node = (ObjectNode) new ObjectMapper().readTree("{" + json + "}");
      return ModelConfig.parse(new JsonObjectReader("json", node));
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  private static LinformerConfig encoder(String json) {
    return assertInstanceOf(LinformerConfig.class, parse(ENCODER + json));
  }

  private static ModelConfig again(ModelConfig config) {
    return ModelConfig.parse(new JsonObjectReader("json", config.toJson()));
  }

  private static void assertRefused(String message, String json) {
    assertEquals(message, Values.refusal(() -> parse(json)));
  }

  @Test
  void anEncodersDefaults() {
    LinformerConfig config = LinformerConfig.builder(15, 8, 5).build();
    assertEquals(config, encoder(""));
    assertEquals(0, config.projectedLengthStep());
    assertFalse(config.fullAttention());
    assertTrue(config.includeFeedForward());
    assertNull(config.outputIntermediateDim());
    assertNull(config.feedForwardIntermediate());
    assertFalse(config.decoderMode());
    assertFalse(config.causal());
    assertFalse(config.leakingTriangle());
    assertEquals(ProjectionMethod.LEARNABLE, config.projectionMethod());
    assertEquals(ProjectionInit.XAVIER, config.projectionStart());
    assertFalse(config.preNorm());
    assertFalse(config.oneKeyValueHead());
    assertFalse(config.freezeProjections());
    assertFalse(config.gatedFeedForward());
  }

  private static LinformerConfigBuilder plain() {
    return LinformerConfig.builder(15, 8, 5);
  }

  /** A configuration for each constant that isn't the default. */
  private static <E extends Enum<E>> void addChoices(
      List<LinformerConfig> configs,
      E unset,
      BiFunction<LinformerConfigBuilder, E, LinformerConfigBuilder> setter) {
    for (E constant : unset.getDeclaringClass().getEnumConstants()) {
      if (constant != unset) {
        configs.add(setter.apply(plain(), constant).build());
      }
    }
  }

  /** One option each, so that none takes another's value on the way. */
  private static List<LinformerConfig> optionByOption() {
    List<UnaryOperator<LinformerConfigBuilder>> options =
        List.of(
            b -> b.sequenceLength(30),
            b -> b.channels(12).headDim(2),
            b -> b.projectedLength(3),
            b -> b.feedForwardDim(11),
            b -> b.headDim(3),
            b -> b.heads(2),
            b -> b.depth(3),
            b -> b.dropout(0.25),
            b -> b.feedForwardDropout(0.25),
            b -> b.headsPerGroup(2),
            b -> b.chunk(7),
            b -> b.parameterSharing(ParameterSharing.KV).projectedLengthStep(2),
            b -> b.fullAttention(true),
            b -> b.includeFeedForward(false),
            b -> b.outputIntermediateDim(7),
            b -> b.parameterSharing(ParameterSharing.KV).feedForwardIntermediate(7),
            b -> b.decoderMode(true),
            b -> b.causal(true),
            b -> b.leakingTriangle(true),
            b -> b.preNorm(true),
            b -> b.oneKeyValueHead(true),
            b -> b.freezeProjections(true),
            b -> b.gatedFeedForward(true));
    LinformerConfig unset = plain().build();
    List<LinformerConfig> configs = new ArrayList<>();
    configs.add(unset);
    options.forEach(option -> configs.add(option.apply(plain()).build()));
    addChoices(configs, unset.activation(), LinformerConfigBuilder::activation);
    addChoices(configs, unset.checkpointLevel(), LinformerConfigBuilder::checkpointLevel);
    addChoices(configs, unset.precision(), LinformerConfigBuilder::precision);
    addChoices(configs, unset.parameterSharing(), LinformerConfigBuilder::parameterSharing);
    addChoices(configs, unset.projectionMethod(), LinformerConfigBuilder::projectionMethod);
    addChoices(configs, unset.projectionStart(), LinformerConfigBuilder::projectionStart);
    assertEquals(configs.size(), configs.stream().distinct().count());
    return configs;
  }

  @Test
  void everyOptionThroughJsonAndBack() {
    for (LinformerConfig config : optionByOption()) {
      assertEquals(config, again(config));
      assertEquals(config, config.toBuilder().build());
    }
  }

  /** Read beside the names that are written; of both, with different values, neither is taken. */
  @Test
  void plainerNames() {
    LinformerConfig pooling = encoder(", \"projection_method\": \"mean_pool\"");
    assertEquals(ProjectionMethod.MEAN_POOL, pooling.projectionMethod());
    assertTrue(encoder(", \"freeze_projections\": true").freezeProjections());
    assertTrue(encoder(", \"freeze\": true, \"freeze_projections\": true").freezeProjections());
    assertTrue(encoder(", \"freeze\": null, \"freeze_projections\": true").freezeProjections());
    ObjectNode written = encoder(", \"freeze_projections\": true").toJson();
    assertTrue(written.get("freeze").booleanValue());
    assertFalse(written.has("freeze_projections") || written.has("projection_method"));
    String two =
        "json: freeze = false, but the value of freeze_projections, which is true, since both name one setting; leave one of them out is expected";
    assertRefused(two, ENCODER + ", \"freeze\": false, \"freeze_projections\": true");
  }

  /** A component without a key, a setter or an entry above would differ nowhere. */
  @Test
  void everyComponentHasAKeyAndIsTried() throws ReflectiveOperationException {
    List<LinformerConfig> configs = optionByOption();
    RecordComponent[] components = LinformerConfig.class.getRecordComponents();
    assertEquals(components.length, configs.get(0).toJson().size() - 1); // without model_type
    for (RecordComponent component : components) {
      Set<Object> values = new HashSet<>();
      for (LinformerConfig config : configs) {
        values.add(String.valueOf(component.getAccessor().invoke(config)));
      }
      assertTrue(values.size() > 1, component.getName());
    }
  }

  @Test
  void otherCheckpointLevels() {
    for (LinformerConfig config : optionByOption()) {
      LinformerConfig other = config.at(CheckpointLevel.C3);
      assertEquals(CheckpointLevel.C3, other.checkpointLevel());
      assertEquals(config, other.at(config.checkpointLevel()));
    }
  }

  @Test
  void everyOptionByItsKey() {
    assertEquals(
        LinformerConfig.builder(15, 8, 5)
            .heads(2)
            .depth(3)
            .parameterSharing(ParameterSharing.NONE)
            .projectedLengthStep(2)
            .outputIntermediateDim(7)
            .feedForwardIntermediate(11)
            .projectionMethod(ProjectionMethod.CONVOLUTION)
            .leakingTriangle(true)
            .preNorm(true)
            .oneKeyValueHead(true)
            .freezeProjections(true)
            .gatedFeedForward(true)
            .build(),
        encoder(
            ", \"nhead\": 2, \"depth\": 3, \"parameter_sharing\": \"none\","
                + " \"k_reduce_by_layer\": 2, \"w_o_intermediate_dim\": 7,"
                + " \"ff_intermediate\": 11, \"method\": \"convolution\","
                + " \"leaking_triangle\": true, \"pre_norm\": true, \"one_kv_head\": true,"
                + " \"freeze\": true, \"glu\": true"));
    assertEquals(
        LinformerConfig.builder(15, 8, 5)
            .fullAttention(true)
            .includeFeedForward(false)
            .decoderMode(true)
            .causal(true)
            .projectionStart(ProjectionInit.BLOCKS)
            .build(),
        encoder(
            ", \"full_attention\": true, \"include_ff\": false, \"decoder_mode\": true,"
                + " \"causal\": true, \"projection_init\": \"blocks\", \"w_o_intermediate_dim\": null, \"ff_intermediate\": null"));
  }

  @Test
  void optionsThatDontGoTogether() {
    assertRefused(
        "k_reduce_by_layer = 1, but 0, or a parameter_sharing other than layerwise: layers of"
            + " different k cannot share E, is expected",
        ENCODER + ", \"k_reduce_by_layer\": 1");
    assertRefused(
        "k_reduce_by_layer = -1, but at least 0 is expected",
        ENCODER + ", \"k_reduce_by_layer\": -1, \"parameter_sharing\": \"kv\"");
    assertRefused(
        "ff_intermediate = 7, but null, or a parameter_sharing other than layerwise, is expected",
        ENCODER + ", \"ff_intermediate\": 7");
    assertRefused(
        "ff_intermediate = 7, but null with decoder_mode is expected",
        ENCODER
            + ", \"ff_intermediate\": 7, \"parameter_sharing\": \"kv\", \"decoder_mode\": true");
    assertRefused(
        "ff_intermediate = 7, but null without include_ff, which would have to change the width,"
            + " is expected",
        ENCODER + ", \"ff_intermediate\": 7, \"parameter_sharing\": \"kv\", \"include_ff\": false");
    assertRefused(
        "leaking_triangle = true, but false with causal: it stands in the place of causality and"
            + " is expected",
        ENCODER + ", \"causal\": true, \"leaking_triangle\": true");
    assertRefused(
        "projection_init = blocks, but xavier, or method learnable, is expected",
        ENCODER + ", \"projection_init\": \"blocks\", \"method\": \"mean_pool\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"convolution", "mean_pool", "max_pool"})
  void windowsMustDivideAndLookAhead(String method) {
    assertRefused(
        "method = %s, but an input_size = 15 that is a multiple of k = 4 of layer 0 is expected"
            .formatted(method),
        "\"input_size\": 15, \"channels\": 8, \"dim_k\": 4, \"method\": \"%s\"".formatted(method));
    assertRefused(
        "method = %s, but an input_size = 15 that is a multiple of k = 4 of layer 1 is expected"
            .formatted(method),
        ENCODER
            + ", \"depth\": 2, \"k_reduce_by_layer\": 1, \"parameter_sharing\": \"kv\","
            + " \"method\": \"%s\"".formatted(method));
    String windows = ", \"method\": \"%s\"".formatted(method);
    assertEquals(5, encoder(windows).projectedLength());
    assertRefused(
        "causal = true, but method learnable, no_params or dct: a window looks ahead of its first"
            + " position; they is expected",
        ENCODER + windows + ", \"causal\": true");
    // Full attention has no windows.
    assertTrue(encoder(windows + ", \"causal\": true, \"full_attention\": true").causal());
  }

  @ParameterizedTest
  @CsvSource({"w_o_intermediate_dim,0", "ff_intermediate,0", "ff_intermediate,-7"})
  void aWidthIsAtLeastOne(String key, int value) {
    assertRefused(
        "%s = %s, but at least 1 is expected".formatted(key, value),
        ENCODER + ", \"parameter_sharing\": \"kv\", \"%s\": %s".formatted(key, value));
  }

  @Test
  void theProjectedLengthOfALayer() {
    LinformerConfig config =
        encoder(", \"depth\": 9, \"k_reduce_by_layer\": 2, \"parameter_sharing\": \"kv\"");
    assertEquals(
        List.of(5, 3, 1, 1),
        List.of(
            config.projectedLength(0),
            config.projectedLength(1),
            config.projectedLength(2),
            config.projectedLength(8)));
    assertEquals(15, encoder(", \"full_attention\": true").projectedLength(0));
    LinformerConfig steep =
        encoder(", \"depth\": 9, \"k_reduce_by_layer\": 1500000000, \"parameter_sharing\": \"kv\"");
    assertEquals(1, steep.projectedLength(2));
  }

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
