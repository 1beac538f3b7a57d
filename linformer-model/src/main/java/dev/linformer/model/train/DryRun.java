package dev.linformer.model.train;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Everything that a training computes, once, to see that it can. */
public final class DryRun {

  private DryRun() {}

  /**
   * Computes an update on the first batches, and a measurement on the first validation batch.
   * Writes nothing.
   *
   * @return the update
   * @throws DivergedException if a loss or the gradients' norm is no number
   * @throws IOException if the examples cannot be read
   */
  public static TrainingListener.StepReport compute(
      ModelConfig model, Objective objective, TrainerConfig config, TaskData data)
      throws IOException {
    TrainerConfig counted = config.withStepsFor(data);
    try (TrainingSession session = TrainingSession.open(model, objective, counted)) {
      List<Batch> batches = new ArrayList<>();
      for (int i = 0; i < config.accumulation(); i++) {
        batches.add(data.train(i, config.batchSize()));
      }
      TrainingListener.StepReport report = session.update(batches, 1, 0);
      Batch first = data.validation(config.batchSize()).iterator().next();
      double loss = session.evaluate(List.of(first)).loss();
      if (!Double.isFinite(loss)) {
        throw DivergedException.measured(loss);
      }
      return report;
    }
  }
}
