package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.ops.Activation;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The JSON keys of a {@link LinformerConfig}, each declared once, in the order of a config.json:
 * its name, the configuration's value, the builder's setter.
 */
final class LinformerConfigKeys {

  /** The keys that have no default. */
  private static final List<Key<?>> SIZES =
      List.of(
          integer(
              "input_size",
              LinformerConfig::sequenceLength,
              LinformerConfigBuilder::sequenceLength),
          integer("channels", LinformerConfig::channels, LinformerConfigBuilder::channels),
          integer(
              "dim_k", LinformerConfig::projectedLength, LinformerConfigBuilder::projectedLength));

  /** The keys that may be left out. */
  private static final List<Key<?>> OPTIONS =
      List.of(
          integer(
              "dim_ff", LinformerConfig::feedForwardDim, LinformerConfigBuilder::feedForwardDim),
          integer("dim_d", LinformerConfig::headDim, LinformerConfigBuilder::headDim),
          integer("nhead", LinformerConfig::heads, LinformerConfigBuilder::heads),
          integer("depth", LinformerConfig::depth, LinformerConfigBuilder::depth),
          number("dropout", LinformerConfig::dropout, LinformerConfigBuilder::dropout),
          number(
              "dropout_ff",
              LinformerConfig::feedForwardDropout,
              LinformerConfigBuilder::feedForwardDropout),
          choice(
              "activation",
              Activation.class,
              LinformerConfig::activation,
              LinformerConfigBuilder::activation),
          choice(
              "checkpoint_level",
              CheckpointLevel.class,
              LinformerConfig::checkpointLevel,
              LinformerConfigBuilder::checkpointLevel),
          integer(
              "heads_per_group",
              LinformerConfig::headsPerGroup,
              LinformerConfigBuilder::headsPerGroup),
          integer("chunk", LinformerConfig::chunk, LinformerConfigBuilder::chunk),
          choice(
              "precision",
              ComputePrecision.class,
              LinformerConfig::precision,
              LinformerConfigBuilder::precision),
          choice(
              "parameter_sharing",
              ParameterSharing.class,
              LinformerConfig::parameterSharing,
              LinformerConfigBuilder::parameterSharing),
          integer(
              "k_reduce_by_layer",
              LinformerConfig::projectedLengthStep,
              LinformerConfigBuilder::projectedLengthStep),
          flag(
              "full_attention",
              LinformerConfig::fullAttention,
              LinformerConfigBuilder::fullAttention),
          flag(
              "include_ff",
              LinformerConfig::includeFeedForward,
              LinformerConfigBuilder::includeFeedForward),
          integer(
              "w_o_intermediate_dim",
              LinformerConfig::outputIntermediateDim,
              LinformerConfigBuilder::outputIntermediateDim),
          integer(
              "ff_intermediate",
              LinformerConfig::feedForwardIntermediate,
              LinformerConfigBuilder::feedForwardIntermediate),
          flag("decoder_mode", LinformerConfig::decoderMode, LinformerConfigBuilder::decoderMode),
          flag("causal", LinformerConfig::causal, LinformerConfigBuilder::causal),
          flag(
              "leaking_triangle",
              LinformerConfig::leakingTriangle,
              LinformerConfigBuilder::leakingTriangle),
          choice(
                  "method",
                  ProjectionMethod.class,
                  LinformerConfig::projectionMethod,
                  LinformerConfigBuilder::projectionMethod)
              .alsoReadAs("projection_method"),
          choice(
              "projection_init",
              ProjectionInit.class,
              LinformerConfig::projectionStart,
              LinformerConfigBuilder::projectionStart),
          flag("pre_norm", LinformerConfig::preNorm, LinformerConfigBuilder::preNorm),
          flag(
              "one_kv_head",
              LinformerConfig::oneKeyValueHead,
              LinformerConfigBuilder::oneKeyValueHead),
          flag(
                  "freeze",
                  LinformerConfig::freezeProjections,
                  LinformerConfigBuilder::freezeProjections)
              .alsoReadAs("freeze_projections"),
          flag("glu", LinformerConfig::gatedFeedForward, LinformerConfigBuilder::gatedFeedForward));

  private LinformerConfigKeys() {}

  /** Takes the keys that may be left out; where one is, the builder keeps its value. */
  static void take(JsonObjectReader keys, LinformerConfigBuilder builder) {
    OPTIONS.forEach(key -> key.take(keys, builder));
  }

  /** Writes all keys. */
  static void put(LinformerConfig config, ObjectNode json) {
    SIZES.forEach(key -> key.put(config, json));
    OPTIONS.forEach(key -> key.put(config, json));
  }

  /** Gives a builder all values of a configuration. */
  static void copy(LinformerConfig config, LinformerConfigBuilder builder) {
    SIZES.forEach(key -> key.copy(config, builder));
    OPTIONS.forEach(key -> key.copy(config, builder));
  }

  /** A value of a configuration; null where it may have none, and has none. */
  private interface Getter<V> {
    @Nullable V get(LinformerConfig config);
  }

  /** The value of a key in JSON; null where it is absent or null. */
  private interface ValueReader<V> {
    @Nullable V read(JsonObjectReader keys, String name);
  }

  /** Puts a value under a key. */
  private interface Writer<V> {
    void write(ObjectNode json, String name, @Nullable V value);
  }

  /**
   * A key.
   *
   * @param name that is written, and read
   * @param otherName that is read, too, and never written; null if there is none
   */
  private record Key<V>(
      String name,
      @Nullable String otherName,
      Getter<V> getter,
      BiConsumer<LinformerConfigBuilder, V> setter,
      ValueReader<V> reader,
      Writer<V> writer) {

    Key(
        String name,
        Getter<V> getter,
        BiConsumer<LinformerConfigBuilder, V> setter,
        ValueReader<V> reader,
        Writer<V> writer) {
      this(name, null, getter, setter, reader, writer);
    }

    Key<V> alsoReadAs(String other) {
      return new Key<>(name, other, getter, setter, reader, writer);
    }

    void take(JsonObjectReader keys, LinformerConfigBuilder builder) {
      String given = otherName == null ? name : keys.given(name, otherName);
      set(builder, reader.read(keys, given));
    }

    void put(LinformerConfig config, ObjectNode json) {
      writer.write(json, name, getter.get(config));
    }

    void copy(LinformerConfig config, LinformerConfigBuilder builder) {
      set(builder, getter.get(config));
    }

    private void set(LinformerConfigBuilder builder, @Nullable V value) {
      if (value != null) {
        setter.accept(builder, value);
      }
    }
  }

  private static Key<Integer> integer(
      String name, Getter<Integer> getter, BiConsumer<LinformerConfigBuilder, Integer> setter) {
    return new Key<>(name, getter, setter, JsonObjectReader::optionalInteger, ObjectNode::put);
  }

  private static Key<Double> number(
      String name, Getter<Double> getter, BiConsumer<LinformerConfigBuilder, Double> setter) {
    return new Key<>(name, getter, setter, JsonObjectReader::optionalNumber, ObjectNode::put);
  }

  private static Key<Boolean> flag(
      String name, Getter<Boolean> getter, BiConsumer<LinformerConfigBuilder, Boolean> setter) {
    return new Key<>(name, getter, setter, JsonObjectReader::optionalFlag, ObjectNode::put);
  }

  private static <E extends Enum<E>> Key<E> choice(
      String name, Class<E> type, Getter<E> getter, BiConsumer<LinformerConfigBuilder, E> setter) {
    return new Key<>(
        name,
        getter,
        setter,
        (keys, key) -> keys.optionalChoice(key, type),
        (json, key, value) -> json.put(key, value == null ? null : Named.key(value)));
  }
}
