package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.JsonText;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.ClassifyTask;
import dev.linformer.model.data.CopyTask;
import dev.linformer.model.data.LanguageTask;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.runtime.Toggle;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is trained, how and on what, as config.json and trainer_state.json say.
 *
 * @param dataFingerprint what was found in the data; null if the file doesn't tell
 * @param recordedStep the step that trainer_state.json tells, which is written at a stop
 */
record RunSettings(
    ModelDirectory directory,
    ModelConfig model,
    TrainerConfig config,
    Task task,
    @Nullable ObjectNode dataFingerprint,
    int recordedStep) {

  private static final String CONFIG = "training_args";
  private static final String DATA = "data";
  private static final String EVALUATION = "evaluation";

  /** The tasks of {@link Task#NAMES}. */
  private static final List<Class<? extends Task>> OURS =
      List.of(ListOpsTask.class, LanguageTask.class, ClassifyTask.class, CopyTask.class);

  /**
   * Makes sure that a training can begin, before anything is written.
   *
   * @param folder for the training
   * @throws InvalidInputException if model, task and configuration don't go together, or the folder
   *     would become part of the examples
   * @throws IllegalArgumentException if a task of a program's own has the name of another
   */
  static void requireFit(Path folder, ModelConfig model, Task task, TrainerConfig config)
      throws IOException {
    if (isOwn(task) && Task.NAMES.contains(task.name())) {
      throw new IllegalArgumentException(
          "a task of a program's own is named %s, which is another's name".formatted(task.name()));
    }
    config.requireFits(model);
    task.check(model, "the model");
    boolean xla = Devices.compile(config.xla());
    if (config.kernels() == Toggle.ON) {
      Devices.kernels(xla, Toggle.ON);
    }
    requireApart(folder, task);
    TrainingGraph.requireBatch(model, config.batchSize(), xla);
  }

  /** What a run writes must not become part of the texts that it reads. */
  private static void requireApart(Path folder, Task task) throws IOException {
    Path existing = folder.toAbsolutePath().normalize();
    while (existing.getParent() != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    for (Path source : task.sources()) {
      if (Files.isDirectory(source) && existing.toRealPath().startsWith(source.toRealPath())) {
        throw new InvalidInputException(
            "the training's folder %s would lie in --data %s and become part of it; name another with --out"
                .formatted(folder, source));
      }
    }
  }

  /**
   * Reads what {@link #write} has written.
   *
   * @param own the task, if it isn't one of {@link Task#NAMES}; else null
   * @throws InvalidInputException if there is no training, or its task is another
   */
  static RunSettings read(ModelDirectory directory, @Nullable Task own) {
    if (!Files.isRegularFile(directory.trainerStateFile())) {
      throw new InvalidInputException(
          directory.path() + ": no training there, trainer_state.json is missing");
    }
    JsonObjectReader state = JsonObjectReader.read(directory.trainerStateFile());
    ModelConfig model = directory.config();
    Task task = own == null ? task(directory, state, model) : requireOwn(directory, state, own);
    task.check(model, directory.configFile().toString());
    return new RunSettings(
        directory,
        model,
        TrainerConfig.parse(state.object(CONFIG)),
        task,
        state.has(DATA) ? state.object(DATA).copy() : null,
        state.integer("global_step", 0));
  }

  /**
   * Where a training ended that has its weights and their measurement; empty if something is left
   * to do, or there was none.
   */
  static Optional<TrainingState> finished(ModelDirectory directory) {
    if (!Files.isRegularFile(directory.trainerStateFile())
        || !Files.isRegularFile(directory.weightsFile())) {
      return Optional.empty();
    }
    JsonObjectReader json = JsonObjectReader.read(directory.trainerStateFile());
    if (!json.has(EVALUATION)) {
      return Optional.empty();
    }
    TrainingState state = TrainingState.parse(json);
    return Optional.of(state)
        .filter(each -> each.isFinished(TrainerConfig.parse(json.object(CONFIG))));
  }

  /** The same, trained in another way. */
  RunSettings with(TrainerConfig other) {
    return new RunSettings(directory, model, other, task, dataFingerprint, recordedStep);
  }

  private static Task task(ModelDirectory directory, JsonObjectReader state, ModelConfig model) {
    if (state.has(Task.OWN_KEY)) {
      throw new InvalidInputException(
          "%s: the task %s is a program's own; only that program can go on with it"
              .formatted(
                  directory.trainerStateFile(), state.object(Task.OWN_KEY).text(Task.NAME, "…")));
    }
    return Task.parse(state.object(Task.KEY), model.stacks().get(0).sequenceLength());
  }

  private static Task requireOwn(ModelDirectory directory, JsonObjectReader state, Task own) {
    ObjectNode recorded = state.object(isOwn(own) ? Task.OWN_KEY : Task.KEY).copy();
    ObjectNode given = JsonText.normalized(own.toJson());
    if (!given.equals(recorded)) {
      throw new InvalidInputException(
          "%s: the task is %s, but %s is given"
              .formatted(directory.trainerStateFile(), recorded, given));
    }
    return own;
  }

  private static boolean isOwn(Task task) {
    return OURS.stream().noneMatch(kind -> kind.isInstance(task));
  }

  /**
   * The examples, which have to be those that the training began with.
   *
   * @throws InvalidInputException if they are others
   */
  TaskData openData() throws IOException {
    TaskData data = task.open(model);
    ObjectNode fingerprint = JsonText.normalized(data.dataFingerprint());
    if (dataFingerprint != null && !fingerprint.equals(dataFingerprint)) {
      data.close();
      throw new InvalidInputException(
          "the data changed since the training in %s began: it was %s and is %s"
              .formatted(directory.path(), dataFingerprint, fingerprint));
    }
    return data;
  }

  /**
   * Makes sure that a training that had made steps is not begun anew.
   *
   * @throws InvalidInputException if its checkpoints are gone
   */
  void requireCheckpoint(TrainingState state) {
    if (recordedStep > 0 && state.step() == 0) {
      throw new InvalidInputException(
          "%s: no checkpoint is left of the training, which was at step %s; begin anew in another folder"
              .formatted(directory.checkpoints(), recordedStep));
    }
  }

  /**
   * Writes trainer_state.json.
   *
   * @param report how the finished model did; null before
   */
  void write(TrainingState state, TaskData data, @Nullable TestReport report) throws IOException {
    ObjectNode json = state.toJson();
    json.set(CONFIG, config.toJson());
    json.set(isOwn(task) ? Task.OWN_KEY : Task.KEY, task.toJson());
    json.set(DATA, data.dataFingerprint());
    if (report != null) {
      json.set(EVALUATION, report.toJson());
    }
    ModelDirectory.writeJson(directory.trainerStateFile(), json);
  }
}
