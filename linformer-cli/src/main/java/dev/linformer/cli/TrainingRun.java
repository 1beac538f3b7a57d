package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.ClassifierConfig;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.JsonKeys;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.train.Evaluation;
import dev.linformer.model.train.Trainer;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingState;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A training in its folder: what is trained, how and on what, all of it on disk from the start. */
record TrainingRun(
    ModelDirectory directory, ClassifierConfig model, TrainerConfig trainer, ListOpsTask task) {

  private static final String TRAINER = "training_args";
  private static final String TASK = "task";

  /** The run in a folder that {@link #writeState} has written to. */
  static TrainingRun open(ModelDirectory directory) {
    if (!Files.isRegularFile(directory.trainerStateFile())) {
      throw new InvalidInputException(
          directory.path() + ": no training there, trainer_state.json is missing");
    }
    JsonKeys state = JsonKeys.read(directory.trainerStateFile());
    return new TrainingRun(
        directory,
        classifier(directory.config(), directory.configFile().toString()),
        TrainerConfig.parse(state.object(TRAINER)),
        ListOpsTask.parse(state.object(TASK)));
  }

  /** The configuration, if it is one of a classifier that can take the task's tokens. */
  static ClassifierConfig classifier(ModelConfig config, String source) {
    if (!(config instanceof ClassifierConfig classifier)) {
      throw new InvalidInputException(
          "%s: model_type = %s, but the task %s trains a %s"
              .formatted(source, config.modelType(), ListOpsTask.NAME, ClassifierConfig.TYPE));
    }
    if (classifier.vocabularySize() < ListOps.VOCABULARY_SIZE
        || classifier.classes() < ListOps.CLASSES) {
      throw new InvalidInputException(
          "%s: the task %s needs num_tokens of at least %d and num_classes of at least %d"
              .formatted(source, ListOpsTask.NAME, ListOps.VOCABULARY_SIZE, ListOps.CLASSES));
    }
    return classifier;
  }

  /** Writes trainer_state.json. */
  void writeState(TrainingState state, @Nullable Report report) throws IOException {
    ObjectNode json = state.toJson();
    json.set(TRAINER, trainer.toJson());
    json.set(TASK, task.toJson());
    if (report != null) {
      json.set("evaluation", report.toJson());
    }
    ModelDirectory.writeJson(directory.trainerStateFile(), json);
  }

  /** Measures the weights in model.safetensors. */
  Evaluation evaluate(List<Example> examples) throws IOException {
    try (Trainer loaded = Trainer.start(model, trainer, directory.checkpoints())) {
      loaded.loadWeights(directory.weightsFile());
      return loaded.evaluate(examples);
    }
  }
}
