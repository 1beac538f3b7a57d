package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.ParameterFactory;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.types.family.TFloating;

/**
 * What a model is, without its weights: the content of a config.json. Checked when it is made.
 *
 * <pre>{@code
 * ModelConfig config =
 *     ModelConfig.parse("""
 *         {"model_type": "classifier", "num_tokens": 256, "num_classes": 10,
 *          "input_size": 2048, "channels": 64, "dim_k": 128}""");
 * try (Graph graph = new Graph()) {
 *   Ops tf = Ops.create(graph);
 *   Model<TFloat32> model = config.declare(Variables.random(tf, TFloat32.class, 7)); // 7: the seed
 * }
 * }</pre>
 */
public sealed interface ModelConfig
    permits LinformerConfig, LinformerClassifierConfig, LinformerLMConfig, LinformerEncDecConfig {

  /** The key that tells the kinds of model apart. */
  String MODEL_TYPE = "model_type";

  /** The value of {@value #MODEL_TYPE}. */
  String modelType();

  /** The encoder or decoder inside, or both, the encoder first. */
  List<LinformerConfig> stacks();

  /**
   * This configuration at level C0: without a backward pass there is no reason to compute again.
   */
  default ModelConfig forInference() {
    return at(CheckpointLevel.C0);
  }

  /** This configuration with all its stacks at another checkpoint level. */
  ModelConfig at(CheckpointLevel level);

  /** Every key with its value, in a fixed order. */
  ObjectNode toJson();

  /**
   * Asks for the weights, each by its name, and returns the model on them.
   *
   * @param prefix before every name, and before the keys in state dictionaries: two models in one
   *     graph need two of them, such as {@code "left."} and {@code "right."}
   */
  <T extends TFloating> Model<T> declare(ParameterFactory<T> parameters, String prefix);

  /** {@link #declare(ParameterFactory, String)} without a prefix. */
  <T extends TFloating> Model<T> declare(ParameterFactory<T> parameters);

  /**
   * Reads a configuration file. A file without {@value #MODEL_TYPE} describes an encoder.
   *
   * @throws InvalidInputException if the file is missing or isn't JSON, or names a key that the
   *     kind of model doesn't have, or has a value out of its range
   */
  static ModelConfig read(Path file) {
    return parse(JsonObjectReader.read(file));
  }

  /**
   * Reads a configuration file whose num_tokens and num_classes, where they aren't given, are those
   * of data, such as {@code task.sizes()}.
   *
   * @throws InvalidInputException as {@link #read(Path)} does
   */
  static ModelConfig read(Path file, DataSizes sizes) {
    return parse(JsonObjectReader.read(file), sizes);
  }

  /**
   * Reads a configuration from the text of a config.json, see {@link #read(Path)}.
   *
   * @throws InvalidInputException if the text isn't JSON, or as {@link #read(Path)} does
   */
  static ModelConfig parse(String json) {
    return parse(json, DataSizes.UNKNOWN);
  }

  /**
   * Reads a configuration from the text of a config.json, see {@link #read(Path, DataSizes)}.
   *
   * @throws InvalidInputException if the text isn't JSON, or as {@link #read(Path)} does
   */
  static ModelConfig parse(String json, DataSizes sizes) {
    return parse(JsonObjectReader.parse("configuration", json), sizes);
  }

  /** Takes a configuration from JSON keys; what is left over is refused. */
  static ModelConfig parse(JsonObjectReader keys) {
    return parse(keys, DataSizes.UNKNOWN);
  }

  /** Takes a configuration from JSON keys, and what they don't give from data. */
  static ModelConfig parse(JsonObjectReader keys, DataSizes sizes) {
    String type = keys.text(MODEL_TYPE, LinformerConfig.TYPE);
    ModelConfig config =
        switch (type) {
          case LinformerConfig.TYPE -> LinformerConfig.take(keys);
          case LinformerClassifierConfig.TYPE -> LinformerClassifierConfig.take(keys, sizes);
          case LinformerLMConfig.TYPE -> LinformerLMConfig.take(keys, sizes);
          case LinformerEncDecConfig.TYPE -> LinformerEncDecConfig.take(keys);
          default ->
              throw keys.invalid(
                  MODEL_TYPE,
                  type,
                  "one of %s, %s, %s, %s"
                      .formatted(
                          LinformerConfig.TYPE,
                          LinformerClassifierConfig.TYPE,
                          LinformerLMConfig.TYPE,
                          LinformerEncDecConfig.TYPE));
        };
    keys.refuseTheRest();
    return config;
  }
}
