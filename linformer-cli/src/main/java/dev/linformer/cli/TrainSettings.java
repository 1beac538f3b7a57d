package dev.linformer.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Task;
import dev.linformer.model.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Path;
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

  private static final int STEPS = 6000;
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
            ? JsonObjectReader.resource(
                    TrainSettings.class, (taskName == null ? "listops" : taskName) + ".json")
                .copy()
            : JsonObjectReader.read(config).copy();
    overrides.forEach((path, value) -> set(all, path, value));
    ObjectNode trainer = part(all, TRAINER, source);
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
    if (!trainer.has("max_steps")) {
      trainer.put("max_steps", STEPS);
    }
    ModelConfig model = ModelConfig.parse(new JsonObjectReader(source, all));
    TrainerConfig settings =
        TrainerConfig.parse(new JsonObjectReader(source + ", " + TRAINER, trainer));
    settings.requireFits(model);
    if (!task.has("seed")) {
      task.put("seed", settings.seed());
    }
    Task parsed =
        Task.parse(
            new JsonObjectReader(source + ", " + TASK, task),
            model.stacks().get(0).sequenceLength());
    parsed.check(model, source);
    return new TrainSettings(model, settings, parsed);
  }

  /**
   * The model of a configuration file, whether it has settings of a training or not; those say
   * nothing of the model, and only {@code train} looks into them.
   *
   * @throws InvalidInputException as {@link ModelConfig#read}, or if the settings are no objects
   */
  static ModelConfig model(Path config) {
    String source = config.toString();
    ObjectNode all = JsonObjectReader.read(config).copy();
    part(all, TRAINER, source);
    part(all, TASK, source);
    return ModelConfig.parse(new JsonObjectReader(source, all));
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
