package dev.linformer.model.train;

import java.nio.file.Path;

/** Hears how a training goes; called on the thread that trains. */
public interface TrainingListener {

  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /** An update was made. */
  default void onStep(StepReport report) {}

  /** A checkpoint is complete. */
  default void onCheckpoint(int step, Path folder) {}

  /**
   * An update.
   *
   * @param step counted from 1
   * @param steps of the whole training
   * @param loss mean cross-entropy of the batch, in nats
   * @param accuracy share of the batch that was right
   * @param tokens positions in the batch, padding included
   */
  record StepReport(int step, int steps, double loss, double accuracy, long tokens) {}
}
