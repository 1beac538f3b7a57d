package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.train.DryRun;
import dev.linformer.model.train.InputPipelineTiming;
import dev.linformer.model.train.TrainingListener;
import dev.linformer.model.train.TrainingMessages;
import java.io.IOException;
import java.util.Locale;

/** What {@code train} computes without training, and writing nothing. */
record TrialRun(TrainSettings settings, TrainingMessages messages, Results results) {

  private static final int MOST_TIMED = 1_000_000;

  /** Computes one update and one measurement. */
  void dryRun() throws IOException {
    try (TaskData examples = openData()) {
      TrainingListener.StepReport report =
          DryRun.compute(
              settings.model(), settings.task().objective(), settings.trainer(), examples);
      results.print(
          String.format(
              Locale.ROOT,
              "dry run: loss %.4f, gradients' norm %.4f, %,d tokens a step, %,d steps; nothing is"
                  + " written",
              report.loss(),
              report.gradientNorm(),
              report.tokens(),
              report.steps()));
    }
  }

  /**
   * Measures steps with data that is fed as ever, and with a batch that lies on the device.
   *
   * @param steps of each kind
   */
  void timeFeeding(int steps) throws IOException {
    if (steps < 1 || steps > MOST_TIMED) {
      String wanted = steps < 1 ? "at least 1" : "at most " + MOST_TIMED;
      throw new InvalidInputException(
          "--time-feeding %s, but %s is expected".formatted(steps, wanted));
    }
    try (TaskData examples = openData()) {
      InputPipelineTiming timing =
          InputPipelineTiming.measure(
              settings.model(), settings.task().objective(), settings.trainer(), examples, steps);
      results.print(
          String.format(
              Locale.ROOT,
              "a step, median of %d: fed %.3f ms, resident %.3f ms (%+.1f %%); waiting for data"
                  + " %.3f ms on average",
              steps,
              timing.fedMillis(),
              timing.residentMillis(),
              100 * (timing.fedMillis() / timing.residentMillis() - 1),
              timing.waitedMillis()));
    }
  }

  private TaskData openData() throws IOException {
    messages.info("preparing the data of the task %s".formatted(settings.task().name()));
    TaskData examples = settings.task().open(settings.model());
    examples.remarks().forEach(messages::info);
    return examples;
  }
}
