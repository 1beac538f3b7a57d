package dev.linformer.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.data.Task;
import dev.linformer.model.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What to train, how and on what: a configuration file with a model's keys and, if it likes, the
 * objects {@code training_args} and {@code task}; over that {@code --set}, and over that the
 * options that have names of their own.
 */
record TrainSettings(ModelConfig model, TrainerConfig trainer, Task task) {

  private static final String TRAINER = "training_args";
  private static final String TASK = Task.KEY;

  /** Updates of a training for which nobody says how many. */
  static final int STEPS = 6000;

  /** Two ways to say one thing: who says one sets the other aside, where it was said before. */
  private static final List<String> LENGTH = List.of("max_steps", "num_train_epochs");

  /** For a model of which other things are to be known before its data is. */
  private static final DataSizes ANY_SIZES = new DataSizes(1, 2);

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /**
   * @param config the file; null for the task's default
   * @param taskName the task; null for the file's, or ListOps
   * @param overrides values by dotted path into the file
   * @param trainerOptions values for {@code training_args}
   * @param taskOptions values for {@code task}
   */
  static TrainSettings read(
      @Nullable Path config,
      @Nullable String taskName,
      Map<String, String> overrides,
      ObjectNode trainerOptions,
      ObjectNode taskOptions)
      throws IOException {
    if (taskName != null && !Task.NAMES.contains(taskName)) {
      throw new InvalidInputException(
          "--task %s: no such task; there are %s"
              .formatted(taskName, String.join(", ", Task.NAMES)));
    }
    String source = config == null ? "the default" : config.toString();
    ObjectNode all =
        config == null
            ? defaultConfiguration(taskName == null ? ListOpsTask.NAME : taskName)
            : JsonObjectReader.read(config).copy();
    if (LENGTH.stream().anyMatch(key -> overrides.containsKey(TRAINER + "." + key))
        && all.get(TRAINER) instanceof ObjectNode given) {
      given.remove(LENGTH);
    }
    overrides.forEach((path, value) -> set(all, path, value));
    ObjectNode trainer = part(all, TRAINER, source);
    if (LENGTH.stream().anyMatch(trainerOptions::has)) {
      trainer.remove(LENGTH);
    }
    ObjectNode task = part(all, TASK, source);
    if (taskName != null) {
      String other = task.path(Task.NAME).asText(taskName);
      if (!other.equals(taskName)) {
        throw new InvalidInputException(
            "--task %s, but the task in %s is %s; leave out --task"
                .formatted(taskName, source, other));
      }
      task.put(Task.NAME, taskName);
    }
    trainer.setAll(trainerOptions);
    task.setAll(taskOptions);
    JsonObjectReader keys = new JsonObjectReader(source, all);
    ModelConfig unsized = ModelConfig.parse(keys, ANY_SIZES);
    TrainerConfig settings = trainer(source, trainer);
    settings.requireFits(unsized);
    if (!task.has("seed")) {
      task.put("seed", settings.seed());
    }
    Task parsed =
        Task.parse(
            new JsonObjectReader(source + ", " + TASK, task),
            unsized.stacks().get(0).sequenceLength());
    ModelConfig model = isSized(keys, unsized) ? unsized : ModelConfig.parse(keys, parsed.sizes());
    parsed.check(model, source);
    return new TrainSettings(model, settings, parsed);
  }

  /** The settings of a task's training without a file. */
  static TrainerConfig defaults(String taskName) throws IOException {
    return trainer(taskName, part(defaultConfiguration(taskName), TRAINER, taskName));
  }

  private static ObjectNode defaultConfiguration(String taskName) throws IOException {
    return JsonObjectReader.resource(TrainSettings.class, taskName + ".json").copy();
  }

  private static TrainerConfig trainer(String source, ObjectNode keys) {
    if (LENGTH.stream().noneMatch(keys::has)) {
      keys.put("max_steps", STEPS);
    }
    return TrainerConfig.parse(new JsonObjectReader(source + ", " + TRAINER, keys));
  }

  /**
   * The model of a configuration file, whether it has settings of a training or not. Only {@code
   * train} looks into those, but for the task where the model's num_tokens and num_classes are to
   * come from its data.
   *
   * @param data for the task; empty for the file's
   * @throws InvalidInputException as {@link ModelConfig#read}, or if the settings are no objects
   */
  static ModelConfig model(Path config, List<Path> data) throws IOException {
    String source = config.toString();
    ObjectNode all = JsonObjectReader.read(config).copy();
    part(all, TRAINER, source);
    ObjectNode task = part(all, TASK, source);
    JsonObjectReader keys = new JsonObjectReader(source, all);
    if (!task.hasNonNull(Task.NAME)) {
      return ModelConfig.parse(keys);
    }
    ModelConfig unsized = ModelConfig.parse(keys, ANY_SIZES);
    if (isSized(keys, unsized)) {
      return unsized;
    }
    putData(task, data);
    Task parsed =
        Task.parse(
            new JsonObjectReader(source + ", " + TASK, task),
            unsized.stacks().get(0).sequenceLength());
    return ModelConfig.parse(keys, parsed.sizes());
  }

  /** Names the data of a task; none keeps what it has. */
  static void putData(ObjectNode task, List<Path> data) {
    if (!data.isEmpty()) {
      ArrayNode paths = task.putArray("data");
      data.forEach(path -> paths.add(path.toAbsolutePath().toString()));
    }
  }

  /** Whether the keys give all that could come from data. */
  private static boolean isSized(JsonObjectReader keys, ModelConfig model) {
    if (model instanceof LinformerClassifierConfig) {
      return keys.has("num_tokens") && keys.has("num_classes");
    }
    return !(model instanceof LinformerLMConfig) || keys.has("num_tokens");
  }

  /** Takes an object away, which is empty where there is none. */
  private static ObjectNode part(ObjectNode all, String key, String source) {
    JsonNode part = all.remove(key);
    if (part == null) {
      return JsonNodeFactory.instance.objectNode();
    }
    if (part instanceof ObjectNode object) {
      return object;
    }
    throw new InvalidInputException(
        "%s: %s = %s, but an object {…} is expected".formatted(source, key, part));
  }

  private static void set(ObjectNode all, String path, String value) {
    ObjectNode object = all;
    String key = path;
    for (int dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.')) {
      String first = key.substring(0, dot);
      if (!first.equals(TRAINER) && !first.equals(TASK)) {
        throw new InvalidInputException(
            "--set %s: only %s and %s have keys inside".formatted(path, TRAINER, TASK));
      }
      JsonNode inner = object.path(first);
      if (inner.isMissingNode()) {
        inner = object.putObject(first);
      }
      if (!(inner instanceof ObjectNode next)) {
        throw new InvalidInputException(
            "--set %s: %s = %s, but an object {…} is expected".formatted(path, first, inner));
      }
      object = next;
      key = key.substring(dot + 1);
    }
    object.set(key, parse(path, value));
  }

  /** A value as JSON; what isn't JSON, and doesn't begin like an object or a list, is a text. */
  private static JsonNode parse(String path, String value) {
    try {
      JsonNode node = JSON.readTree(value);
      return node.isMissingNode() ? new TextNode(value) : node;
    } catch (JsonProcessingException e) {
      if (value.startsWith("{") || value.startsWith("[")) {
        throw new InvalidInputException(
            "--set %s=%s: not valid JSON: %s".formatted(path, value, e.getOriginalMessage()), e);
      }
      return new TextNode(value);
    }
  }
}
