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

/** The options of an encoder. */
class OptionsConfigTest {

  private static final String ENCODER = "\"input_size\": 15, \"channels\": 8, \"dim_k\": 5";

  static ModelConfig parse(String json) {
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

  static ModelConfig again(ModelConfig config) {
    return ModelConfig.parse(new JsonObjectReader("json", config.toJson()));
  }

  static void assertRefused(String message, String json) {
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
}
