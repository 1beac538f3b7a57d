package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Something to learn: where its examples come from, what is asked of a model, and which models can
 * learn it. {@link ListOpsTask}, {@link LanguageTask}, {@link ClassifyTask} and {@link CopyTask}
 * are there, by their constructors or from JSON:
 *
 * <pre>{@code
 * Task task = Task.parse("{\"name\": \"classify\", \"data\": \"reviews.csv\"}", 512);
 * }</pre>
 *
 * <p>A task of one's own has {@link #name}, {@link #objective} and {@link #open}:
 *
 * <pre>{@code
 * record Parity(int n) implements Task {
 *   public String name() {
 *     return "parity";
 *   }
 *
 *   public Objective objective() {
 *     return Objective.classPerSequence(false);
 *   }
 *
 *   public TaskData open(ModelConfig model) {
 *     return new ExampleData(examples(1), examples(2), examples(3), n, 1);
 *   }
 * }
 * }</pre>
 */
public interface Task {

  /** The key that tells tasks apart. */
  String NAME = "name";

  /** The names of the tasks that are there, which those of others may not be. */
  List<String> NAMES =
      List.of(
          ListOpsTask.NAME,
          LanguageTask.MASKED_NAME,
          LanguageTask.CAUSAL_NAME,
          ClassifyTask.NAME,
          CopyTask.NAME);

  /** The key in trainer_state.json of a task that {@link #NAMES} lists. */
  String KEY = "task";

  /** The key in trainer_state.json of a task of a program's own. */
  String OWN_KEY = "own_task";

  /** The value of {@value #NAME}. */
  String name();

  /** What a model is asked for. */
  Objective objective();

  /**
   * Makes sure that a model can learn the task; any can unless a task says otherwise.
   *
   * @param source where the model comes from, for messages
   * @throws InvalidInputException if it can't: what it needs
   */
  default void check(ModelConfig model, String source) {}

  /**
   * What the examples ask of a model, for a configuration that doesn't give it; a task says nothing
   * unless it overrides this. May read the data for it.
   *
   * <pre>{@code
   * Task task = Task.parse("{\"name\": \"classify\", \"data\": \"reviews.csv\"}", 512);
   * ModelConfig model = ModelConfig.read(Path.of("config.json"), task.sizes());
   * }</pre>
   *
   * @throws InvalidInputException if files are missing, empty or of another kind
   * @throws IOException if reading fails otherwise
   */
  default DataSizes sizes() throws IOException {
    return DataSizes.UNKNOWN;
  }

  /**
   * Reads or makes the examples for a model that {@link #check} lets pass.
   *
   * @throws InvalidInputException if files are missing, empty or of another kind
   * @throws IOException if reading fails otherwise
   */
  TaskData open(ModelConfig model) throws IOException;

  /** Files and folders that the examples are read from: nothing may be written there. */
  default List<Path> sources() {
    return List.of();
  }

  /** Every key with its value; the name alone unless a task has others. */
  default ObjectNode toJson() {
    return JsonNodeFactory.instance.objectNode().put(NAME, name());
  }

  /**
   * What the model of a directory was trained on, as its trainer_state.json says.
   *
   * @return nothing if there is no such file, or none of ours, or the task is one of a program's
   *     own
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
   * A task from JSON, with the keys of {@link #toJson}; all but the name have defaults.
   *
   * @param inputSize n of the model, on which some defaults depend
   * @throws InvalidInputException if the text isn't JSON, or a key is missing, unknown or out of
   *     its range
   */
  static Task parse(String json, int inputSize) {
    return parse(JsonObjectReader.parse(KEY, json), inputSize);
  }

  /**
   * Takes the keys of {@link #toJson}; all but the name have defaults.
   *
   * @param inputSize n of the model, on which some defaults depend
   * @throws InvalidInputException if a key is missing, unknown or out of its range
   */
  static Task parse(JsonObjectReader keys, int inputSize) {
    String name = keys.text(NAME, ListOpsTask.NAME);
    Task task =
        switch (name) {
          case ListOpsTask.NAME -> ListOpsTask.take(keys, inputSize);
          case LanguageTask.MASKED_NAME -> LanguageTask.take(keys, LanguageTask.Kind.MASKED);
          case LanguageTask.CAUSAL_NAME -> LanguageTask.take(keys, LanguageTask.Kind.CAUSAL);
          case ClassifyTask.NAME -> ClassifyTask.take(keys);
          case CopyTask.NAME -> CopyTask.take(keys, inputSize);
          default -> throw keys.invalid(NAME, name, "one of " + String.join(", ", NAMES));
        };
    keys.refuseTheRest();
    return task;
  }
}
