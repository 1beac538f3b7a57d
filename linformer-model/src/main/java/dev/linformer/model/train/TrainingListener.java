package dev.linformer.model.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Hears how a training goes; called on the thread that trains. What a listener throws ends the
 * training after its last checkpoint.
 *
 * <pre>{@code
 * run.train(
 *     new TrainingListener() {
 *       public void onStep(StepReport report) {
 *         System.out.println(report.step() + " of " + report.steps() + ": " + report.loss());
 *       }
 *     });
 * }</pre>
 */
public interface TrainingListener {

  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /** An update was made. */
  default void onStep(StepReport report) throws IOException {}

  /** The model was measured on the validation examples after a step. */
  default void onEvaluation(int step, Evaluation evaluation) throws IOException {}

  /** A checkpoint is complete. */
  default void onCheckpoint(int step, Path folder) throws IOException {}

  /**
   * The training ends before its last step: for as many measurements as its patience the loss on
   * the validation examples was no better.
   *
   * @param step after which it ends
   * @param best the measurement that none since was better than
   */
  default void onEarlyStop(int step, TrainingState.Measured best) throws IOException {}

  /**
   * An update.
   *
   * @param step counted from 1
   * @param steps of the whole training
   * @param loss mean over the targets of the step's batches, see {@link Evaluation#loss}
   * @param accuracy share of the targets that were right, see {@link Evaluation#accuracy}
   * @param learningRate of the step
   * @param gradientNorm before clipping
   * @param tokens positions in the batch, padding included
   * @param waited seconds in which nothing was computed because no batch was ready
   */
  record StepReport(
      int step,
      int steps,
      double loss,
      double accuracy,
      double learningRate,
      double gradientNorm,
      long tokens,
      double waited) {}

  /** Tells several, in their order. */
  static TrainingListener all(List<? extends TrainingListener> listeners) {
    return new TrainingListener() {
      @Override
      public void onStep(StepReport report) throws IOException {
        for (TrainingListener listener : listeners) {
          listener.onStep(report);
        }
      }

      @Override
      public void onEvaluation(int step, Evaluation evaluation) throws IOException {
        for (TrainingListener listener : listeners) {
          listener.onEvaluation(step, evaluation);
        }
      }

      @Override
      public void onCheckpoint(int step, Path folder) throws IOException {
        for (TrainingListener listener : listeners) {
          listener.onCheckpoint(step, folder);
        }
      }

      @Override
      public void onEarlyStop(int step, TrainingState.Measured best) throws IOException {
        for (TrainingListener listener : listeners) {
          listener.onEarlyStop(step, best);
        }
      }
    };
  }
}
