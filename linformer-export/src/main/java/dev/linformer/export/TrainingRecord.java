package dev.linformer.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Task;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a model's trainer_state.json tells of its training: files by their names alone, since where
 * they lie is nobody else's business.
 */
record TrainingRecord(ObjectNode state) {

  private static final String SETTINGS = "training_args";
  private static final String FILES = "data";

  /**
   * That of a model; nothing if there is none of ours, as after {@code init} and {@code import}.
   */
  static Optional<TrainingRecord> of(ModelDirectory model) {
    if (!Files.isRegularFile(model.trainerStateFile())) {
      return Optional.empty();
    }
    try {
      TrainingRecord record =
          new TrainingRecord(JsonObjectReader.read(model.trainerStateFile()).copy());
      return record.taskName().isEmpty() ? Optional.empty() : Optional.of(record);
    } catch (InvalidInputException e) {
      return Optional
          .empty(); // of another program, or damaged: the weights are exported all the same
    }
  }

  /** Whether a program's own task was learned, which the command line doesn't know. */
  boolean isOwnTask() {
    return state.has(Task.OWN_KEY);
  }

  /** What was learned; empty if nothing is told. */
  String taskName() {
    return task().path(Task.NAME).asText();
  }

  private JsonNode task() {
    return state.path(isOwnTask() ? Task.OWN_KEY : Task.KEY);
  }

  /** The names of the files that were learned from. */
  List<String> files() {
    List<String> names = new ArrayList<>();
    task().path(FILES).forEach(path -> names.add(name(path.asText())));
    return names;
  }

  /** As on any system. */
  private static String name(String path) {
    String whole = path.replaceFirst("[/\\\\]+$", "");
    return whole.substring(Math.max(whole.lastIndexOf('/'), whole.lastIndexOf('\\')) + 1);
  }

  /** What was found in the files. */
  JsonNode data() {
    return state.path("data");
  }

  /** How the model did on examples that the training never saw; empty if that wasn't measured. */
  JsonNode evaluation() {
    return state.path("evaluation");
  }

  /** Model, settings and task, from which {@code train --config} makes the same; if it can. */
  Optional<ObjectNode> recipe(ModelConfig config) {
    if (isOwnTask() || !state.path(SETTINGS).isObject()) {
      return Optional.empty();
    }
    ObjectNode recipe = config.toJson();
    recipe.set(SETTINGS, state.path(SETTINGS));
    ObjectNode task = task().deepCopy();
    if (task.has(FILES)) {
      ArrayNode names = task.putArray(FILES);
      files().forEach(names::add);
    }
    recipe.set(Task.KEY, task);
    return Optional.of(recipe);
  }
}
