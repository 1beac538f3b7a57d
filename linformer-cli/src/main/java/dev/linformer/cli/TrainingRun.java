package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.train.Evaluation;
import dev.linformer.model.train.Trainer;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;

/**
 * A training in its folder: what is trained, how and on what, all of it on disk from the start.
 *
 * @param facts what was found in the data
 * @param recorded the step that trainer_state.json tells, which is written at a stop
 */
record TrainingRun(
    ModelDirectory directory,
    ModelConfig model,
    TrainerConfig trainer,
    Task task,
    @Nullable ObjectNode facts,
    int recorded) {

  private static final String FACTS = "data";

  /** A run that has not begun. */
  static TrainingRun create(ModelDirectory directory, TrainSettings settings, TaskData data)
      throws IOException {
    TrainingRun run =
        new TrainingRun(
            directory, settings.model(), settings.trainer(), settings.task(), data.facts(), 0);
    directory.writeConfig(settings.model());
    run.writeState(TrainingState.START, data, null);
    return run;
  }

  /** The run in a folder that {@link #writeState} has written to. */
  static TrainingRun open(ModelDirectory directory) {
    if (!Files.isRegularFile(directory.trainerStateFile())) {
      throw new InvalidInputException(
          directory.path() + ": no training there, trainer_state.json is missing");
    }
    JsonObjectReader state = JsonObjectReader.read(directory.trainerStateFile());
    ModelConfig model = directory.config();
    Task task =
        Task.parse(state.object(TrainSettings.TASK), model.stacks().get(0).sequenceLength());
    task.check(model, directory.configFile().toString());
    return new TrainingRun(
        directory,
        model,
        TrainerConfig.parse(state.object(TrainSettings.TRAINER)),
        task,
        state.has(FACTS) ? state.object(FACTS).copy() : null,
        state.integer("global_step", 0));
  }

  /**
   * Makes sure that a training that had made steps is not begun anew.
   *
   * @throws InvalidInputException if its checkpoints are gone
   */
  void requireCheckpoint(TrainingState found) {
    if (recorded > 0 && found.step() == 0) {
      throw new InvalidInputException(
          "%s: no checkpoint is left of the training, which was at step %d; begin anew in another folder"
              .formatted(directory.checkpoints(), recorded));
    }
  }

  /** The examples, which have to be those that the training began with. */
  TaskData openData() throws IOException {
    TaskData data = task.open(model);
    ObjectNode found = JsonObjectReader.normalized(data.facts());
    if (facts != null && !found.equals(facts)) {
      data.close();
      throw new InvalidInputException(
          "the data changed since the training in %s began: it was %s and is %s"
              .formatted(directory.path(), facts, found));
    }
    return data;
  }

  /** Writes trainer_state.json. */
  void writeState(TrainingState state, TaskData data, @Nullable Report report) throws IOException {
    ObjectNode json = state.toJson();
    json.set(TrainSettings.TRAINER, trainer.toJson());
    json.set(TrainSettings.TASK, task.toJson());
    json.set(FACTS, data.facts());
    if (report != null) {
      json.set("evaluation", report.toJson());
    }
    ModelDirectory.writeJson(directory.trainerStateFile(), json);
  }

  /** Measures the weights in model.safetensors. */
  Evaluation evaluate(Iterable<Batch> batches) throws IOException {
    try (Trainer loaded =
        Trainer.start(model, task.objective(), trainer, directory.checkpoints())) {
      loaded.loadWeights(directory.weightsFile());
      return loaded.evaluate(batches);
    }
  }
}
