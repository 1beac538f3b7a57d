package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;

/** Something to learn: where its examples come from, and which models can learn it. */
public sealed interface Task permits ListOpsTask, LanguageTask, ClassifyTask, CopyTask {

  /** The key that tells tasks apart. */
  String NAME = "name";

  /** Every task's name. */
  List<String> NAMES =
      List.of(
          ListOpsTask.NAME,
          LanguageTask.Kind.MASKED.word(),
          LanguageTask.Kind.CAUSAL.word(),
          ClassifyTask.NAME,
          CopyTask.NAME);

  /** The key of the task in trainer_state.json. */
  String KEY = "task";

  /** The value of {@value #NAME}. */
  String name();

  /** What a model is asked for. */
  Objective objective();

  /**
   * Makes sure that a model can learn the task.
   *
   * @param source where the model comes from, for messages
   * @throws InvalidInputException if it can't: what it needs
   */
  void check(ModelConfig model, String source);

  /**
   * Reads or makes the examples for a model that {@link #check} lets pass.
   *
   * @throws InvalidInputException if files are missing, empty or of another kind
   */
  TaskData open(ModelConfig model) throws IOException;

  /** Every key with its value. */
  ObjectNode toJson();

  /**
   * The model as one of a kind.
   *
   * @param type the kind's word
   * @throws InvalidInputException if it is of another
   */
  static <M extends ModelConfig> M require(
      Class<M> kind, String type, ModelConfig model, String source, String task) {
    if (!kind.isInstance(model)) {
      throw new InvalidInputException(
          "%s: model_type = %s, but the task %s trains a %s"
              .formatted(source, model.modelType(), task, type));
    }
    return kind.cast(model);
  }

  /**
   * What the model of a directory was trained on, as its trainer_state.json says.
   *
   * @return nothing if there is no such file, or none of ours
   * @throws InvalidInputException if the file cannot be read, or its task is not to be understood
   */
  static Optional<Task> of(ModelDirectory directory) {
    if (!Files.isRegularFile(directory.trainerStateFile())) {
      return Optional.empty();
    }
    JsonObjectReader state = JsonObjectReader.read(directory.trainerStateFile());
    return state.has(KEY)
        ? Optional.of(parse(state.object(KEY), directory.config().stacks().get(0).sequenceLength()))
        : Optional.empty();
  }

  /**
   * Takes the keys of {@link #toJson}; all but the name have defaults.
   *
   * @param inputSize n of the model, on which some defaults depend
   */
  static Task parse(JsonObjectReader keys, int inputSize) {
    String name = keys.text(NAME, ListOpsTask.NAME);
    Task task =
        switch (name) {
          case ListOpsTask.NAME -> ListOpsTask.take(keys, inputSize);
          case "masked-lm" -> LanguageTask.take(keys, LanguageTask.Kind.MASKED);
          case "causal-lm" -> LanguageTask.take(keys, LanguageTask.Kind.CAUSAL);
          case ClassifyTask.NAME -> ClassifyTask.take(keys);
          case CopyTask.NAME -> CopyTask.take(keys, inputSize);
          default -> throw keys.invalid(NAME, name, "one of " + String.join(", ", NAMES));
        };
    keys.refuseTheRest();
    return task;
  }
}
