package dev.linformer.model.train;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
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

  /** Times of steps, in ms. */
  private static final class StepTimes {
    final double[] total;

    /** The parts of {@code total} in which no batch was ready. */
    final double[] waited;

    StepTimes(int steps) {
      total = new double[steps];
      waited = new double[steps];
    }
  }

  /**
   * Measures on fresh weights; writes nothing.
   *
   * @param steps that are measured of each kind
   * @throws IOException if the examples cannot be read
   */
  public static InputPipelineTiming measure(
      ModelConfig model, Objective objective, TrainerConfig config, TaskData data, int steps)
      throws IOException {
    return measure(model, objective, config, data, steps, System::nanoTime);
  }

  /**
   * Measures by a clock.
   *
   * @param clock of nanoseconds
   */
  static InputPipelineTiming measure(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      TaskData data,
      int steps,
      LongSupplier clock)
      throws IOException {
    TrainerConfig counted = config.withStepsFor(data);
    Batch batch = data.train(0, config.batchSize());
    StepTimes resident;
    try (TrainingSession session = TrainingSession.resident(model, objective, counted, batch)) {
      resident = times(session, index -> batch, config.accumulation(), steps, clock);
    }
    try (TrainingSession session = TrainingSession.open(model, objective, counted)) {
      BatchPrefetcher.BatchSource source = index -> data.train(index, config.batchSize());
      StepTimes fed = times(session, source, config.accumulation(), steps, clock);
      return new InputPipelineTiming(
          median(fed.total),
          median(resident.total),
          Arrays.stream(fed.waited).average().orElseThrow());
    }
  }

  /** Makes updates, and neither measurements nor checkpoints. */
  private static StepTimes times(
      TrainingSession session,
      BatchPrefetcher.BatchSource source,
      int accumulation,
      int steps,
      LongSupplier clock)
      throws IOException {
    StepTimes times = new StepTimes(steps);
    int all = WARM_UP + steps;
    try (BatchPrefetcher prefetcher = new BatchPrefetcher(source, 0, (long) all * accumulation)) {
      for (int i = 0; i < all; i++) {
        long start = clock.getAsLong();
        List<Batch> batches = prefetcher.next(accumulation);
        double waited = (clock.getAsLong() - start) / 1e6;
        session.update(batches, i + 1, waited);
        double total = (clock.getAsLong() - start) / 1e6;
        if (i >= WARM_UP) {
          times.total[i - WARM_UP] = total;
          times.waited[i - WARM_UP] = waited;
        }
      }
    }
    return times;
  }

  private static double median(double[] times) {
    double[] sorted = times.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
