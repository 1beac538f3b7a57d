package dev.linformer.model.train;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * What feeding costs: steps of a training whose batches are fed as ever, and the same steps with
 * one batch that lies on the device.
 *
 * @param fedMillis median time of a step with feeding
 * @param residentMillis median time of a step without
 * @param waitedMillis of a step with feeding, on average, in which no batch was ready
 */
public record InputPipelineTiming(double fedMillis, double residentMillis, double waitedMillis) {

  /** Steps before those that are measured. */
  static final int WARM_UP = 5;

  /**
   * Measures on fresh weights; writes nothing.
   *
   * @param steps that are measured of each kind
   */
  public static InputPipelineTiming measure(
      ModelConfig model, Objective objective, TrainerConfig config, TaskData data, int steps)
      throws IOException {
    return measure(model, objective, config, data, steps, System::nanoTime);
  }

  /** The same by a clock of nanoseconds. */
  static InputPipelineTiming measure(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      TaskData data,
      int steps,
      LongSupplier clock)
      throws IOException {
    double[][] resident;
    Path nowhere = Path.of("feeding");
    Batch batch = data.train(0, config.batchSize());
    try (Trainer trainer = Trainer.resident(model, objective, config, nowhere, batch, clock)) {
      resident = times(trainer, data, steps);
    }
    try (Trainer trainer = Trainer.start(model, objective, config, nowhere, clock)) {
      double[][] fed = times(trainer, data, steps);
      return new InputPipelineTiming(
          median(fed[0]), median(resident[0]), Arrays.stream(fed[1]).average().orElseThrow());
    }
  }

  /** Of each step the time it took, and the part of it that was waiting, in ms. */
  private static double[][] times(Trainer trainer, TaskData data, int steps) throws IOException {
    double[][] times = new double[2][steps];
    trainer.time(
        data,
        WARM_UP + steps,
        (index, total, waited) -> {
          if (index >= WARM_UP) {
            times[0][index - WARM_UP] = total;
            times[1][index - WARM_UP] = waited;
          }
        });
    return times;
  }

  private static double median(double[] times) {
    double[] sorted = times.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
