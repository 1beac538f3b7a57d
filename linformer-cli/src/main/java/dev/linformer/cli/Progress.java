package dev.linformer.cli;

import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingListener;
import dev.linformer.model.train.TrainingState;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * Shows how a training goes, on standard error: a bar on a terminal, lines elsewhere. Loss and
 * accuracy are means that follow the last hundred steps or so.
 */
final class Progress implements TrainingListener, AutoCloseable {

  /** System property that the launcher sets when standard error is a terminal. */
  private static final String TERMINAL = "linformer.terminal";

  private static final double SMOOTHING = 0.98;
  private static final int LINES = 30;

  private final PrintWriter err;
  private final @Nullable ProgressBar bar;
  private final int first;
  private final TrainerConfig config;
  private final long start = System.nanoTime();
  private double weight;
  private double loss;
  private double accuracy;
  private long tokens;

  static Progress create(CommandLine command, int first, TrainerConfig config) {
    ProgressBar bar =
        !Boolean.getBoolean(TERMINAL)
            ? null
            : new ProgressBarBuilder()
                .setTaskName("train")
                .setInitialMax(config.steps())
                .startsFrom(first, Duration.ZERO)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .build();
    return new Progress(command.getErr(), bar, first, config);
  }

  private Progress(PrintWriter err, @Nullable ProgressBar bar, int first, TrainerConfig config) {
    this.err = err;
    this.bar = bar;
    this.first = first;
    this.config = config;
  }

  @Override
  public void onStep(StepReport report) {
    weight = SMOOTHING * weight + 1;
    loss += (report.loss() - loss) / weight;
    accuracy += (report.accuracy() - accuracy) / weight;
    tokens += report.tokens();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (bar != null) {
      bar.setExtraMessage(
          String.format(
              Locale.ROOT,
              " %sloss %.3f, accuracy %.1f%%, %,.0f tokens/s",
              epoch(report.step()),
              loss,
              100 * accuracy,
              tokens / seconds));
      bar.stepTo(report.step());
    } else if (isDue(report.step())) {
      double left = seconds / (report.step() - first) * (report.steps() - report.step());
      err.println(
          String.format(
              Locale.ROOT,
              "step %d/%d: %sloss %.4f, accuracy %.1f%%, %,.0f tokens/s, %.0f s left",
              report.step(),
              report.steps(),
              epoch(report.step()),
              loss,
              100 * accuracy,
              tokens / seconds,
              left));
      err.flush();
    }
  }

  /** Where a training ended, and why. */
  static String earlyStop(int step, int steps, TrainingState.Measured best) {
    return String.format(
        Locale.ROOT,
        "stopped early after step %d of %d: the loss on the validation examples fell no more after step %d, where it was %.4f (early_stopping_patience)",
        step,
        steps,
        best.step(),
        best.loss());
  }

  /** How many of the epochs are done, where the training goes by them. */
  private String epoch(int step) {
    if (config.epochs() == 0) {
      return "";
    }
    BigDecimal all = BigDecimal.valueOf(config.epochs()).stripTrailingZeros();
    double done = config.epochs() * step / config.steps();
    return String.format(Locale.ROOT, "epoch %.1f/%s, ", done, all.toPlainString());
  }

  /** Some thirty lines a training, and one at once: it goes. */
  private boolean isDue(int step) {
    int steps = config.steps();
    return step == first + 1 || step == steps || step % Math.max(1, steps / LINES) == 0;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
