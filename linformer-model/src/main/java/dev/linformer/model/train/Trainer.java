package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.tensorflow.types.TFloat32;

/**
 * The loop of a training: updates, measurements, and checkpoints in a folder. {@link TrainingRun}
 * adds all that a model directory has; this is for examples and an {@link Objective} without one:
 *
 * <pre>{@code
 * TrainerConfig config = TrainerConfig.builder(500).batchSize(32).build();
 * try (Trainer trainer = Trainer.start(model, objective, config, Path.of("checkpoints"))) {
 *   trainer.train(data, TrainingListener.NONE);
 *   System.out.println(trainer.evaluate(data.test(32).batches()).loss());
 *   trainer.saveWeights(Path.of("model.safetensors"));
 * }
 * }</pre>
 *
 * <p>A step is a function of the weights, the seed and its number: a training that was stopped and
 * resumed goes the same way as one that wasn't, and on one thread to the last digit.
 */
public final class Trainer implements AutoCloseable {

  private final TrainerConfig config;
  private final TrainingSession session;
  private final CheckpointStore checkpoints;
  private final LongSupplier clock;
  private final List<String> notices = new ArrayList<>();
  private TrainingState state = TrainingState.START;
  private volatile boolean stopRequested;

  /**
   * A training from the beginning.
   *
   * @param checkpoints folder for the checkpoints
   * @throws InvalidInputException if batches are too large for the model, or kernels are asked for
   *     where they don't run
   */
  public static Trainer start(
      ModelConfig model, Objective objective, TrainerConfig config, Path checkpoints) {
    return start(model, objective, config, checkpoints, System::nanoTime);
  }

  /**
   * A training from the beginning, by a clock.
   *
   * @param clock of nanoseconds
   */
  static Trainer start(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      Path checkpoints,
      LongSupplier clock) {
    return new Trainer(model, objective, config, checkpoints, clock);
  }

  /**
   * A training from its newest checkpoint, or from the beginning if it had none yet. One that is
   * damaged or lacks a file is put aside for the one before it: {@link #notices} says so.
   *
   * @throws InvalidInputException if there are checkpoints, and none can be used
   * @throws IOException if the checkpoints' folder cannot be read or written
   */
  public static Trainer resume(
      ModelConfig model, Objective objective, TrainerConfig config, Path checkpoints)
      throws IOException {
    Trainer trainer = start(model, objective, config, checkpoints);
    try {
      trainer.checkpoints.clean();
      trainer.state = trainer.session.restore(trainer.checkpoints, trainer.notices::add);
      return trainer;
    } catch (IOException | RuntimeException e) {
      trainer.close();
      throw e;
    }
  }

  private Trainer(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      Path checkpoints,
      LongSupplier clock) {
    this.config = config;
    this.clock = clock;
    this.session = TrainingSession.open(model, objective, config);
    this.checkpoints = new CheckpointStore(checkpoints, config.keepCheckpoints());
  }

  /** How the model is trained. */
  public TrainerConfig config() {
    return config;
  }

  /** What people should know of how the training was resumed, a line each. */
  public List<String> notices() {
    return List.copyOf(notices);
  }

  /** Where the training stands. */
  public TrainingState state() {
    return state;
  }

  /** The model's weights, and after them the objective's own. */
  List<Weight<TFloat32>> weights() {
    return session.weights();
  }

  /**
   * Makes {@link #train} return after the step it is at, with a checkpoint. May be called from any
   * thread.
   */
  public void requestStop() {
    stopRequested = true;
  }

  private boolean finished() {
    return state.isFinished(config);
  }

  /**
   * Whether the loss on the validation examples fell no more for as many measurements as the
   * training's patience, so that it ended before its last step.
   */
  public boolean stoppedEarly() {
    return state.stoppedEarly(config);
  }

  /**
   * Makes the updates that are left, with a checkpoint every so many, one at the best measurement
   * so far and one at the end.
   *
   * @return whether the training is finished; false if a stop was requested before
   * @throws DivergedException if the loss, the gradients' norm or a weight is no number any more;
   *     no checkpoint has such weights
   * @throws IOException if the examples cannot be read or a checkpoint cannot be written, or what
   *     the listener throws
   */
  public boolean train(TaskData data, TrainingListener listener) throws IOException {
    int saved = state.step();
    int parts = config.accumulation();
    try (BatchPrefetcher prefetcher =
        new BatchPrefetcher(
            index -> data.train(index, config.batchSize()),
            (long) state.step() * parts,
            (long) config.steps() * parts)) {
      while (!finished() && !stopRequested) {
        step(prefetcher, listener);
        boolean best = isDue(config.evaluateEvery()) && measure(data, listener);
        if (best || state.step() % config.checkpointEvery() == 0) {
          saved = checkpoint(listener);
        }
      }
    }
    if (state.step() > saved) { // at the end, and whenever in the loop a stop was requested
      checkpoint(listener);
    }
    if (stoppedEarly()) {
      listener.onEarlyStop(state.step(), state.best().orElseThrow());
    }
    return finished();
  }

  private boolean isDue(int every) {
    return every > 0 && (state.step() % every == 0 || state.step() == config.steps());
  }

  /** Measures on the validation examples; whether it is the best so far. */
  private boolean measure(TaskData data, TrainingListener listener) throws IOException {
    Evaluation evaluation = session.evaluate(data.validation(config.batchSize()));
    if (!Double.isFinite(evaluation.loss())) {
      throw new DivergedException(
          state.step(), evaluation.loss(), Double.NaN, "on the validation examples");
    }
    state =
        state.with(
            new TrainingState.Measured(state.step(), evaluation.loss(), evaluation.accuracy()));
    listener.onEvaluation(state.step(), evaluation);
    return state.sinceBest() == 0;
  }

  private int checkpoint(TrainingListener listener) throws IOException {
    session.requireNumbers(state.step());
    Path folder = session.save(checkpoints, state);
    listener.onCheckpoint(state.step(), folder);
    return state.step();
  }

  private void step(BatchPrefetcher prefetcher, TrainingListener listener) throws IOException {
    long start = clock.getAsLong();
    List<Batch> batches = prefetcher.next(config.accumulation());
    double waited = (clock.getAsLong() - start) / 1e9;
    TrainingListener.StepReport report = session.update(batches, state.step() + 1, waited);
    state = state.next(report.tokens());
    if (report.step() % config.logEvery() == 0 || report.step() == config.steps()) {
      state =
          state.with(
              new TrainingState.HistoryEntry(
                  report.step(),
                  report.loss(),
                  report.accuracy(),
                  report.learningRate(),
                  report.gradientNorm()));
    }
    listener.onStep(report);
  }

  /**
   * Measures the model as it is, without dropout.
   *
   * @param batches with at least one target; with XLA none larger than those of the training
   * @throws DivergedException if the loss is no number
   */
  public Evaluation evaluate(Iterable<Batch> batches) {
    Evaluation evaluation = session.evaluate(batches);
    if (!Double.isFinite(evaluation.loss())) {
      throw DivergedException.measured(evaluation.loss());
    }
    return evaluation;
  }

  /**
   * Goes back to the weights of the best measurement, or the best of those whose checkpoint is
   * there and whole; the weights stay as they are if there is none.
   *
   * @return the measurement whose weights they are now
   */
  public Optional<TrainingState.Measured> loadBest() {
    for (TrainingState.Measured measured : state.bestFirst()) {
      try {
        session.loadWeights(checkpoints.weights(measured.step()));
        return Optional.of(measured);
      } catch (InvalidInputException | IOException e) {
        // Damaged or deleted; most are deleted when there are newer ones.
      }
    }
    return Optional.empty();
  }

  /**
   * Gives model and objective the weights in a safetensors file that {@link #saveWeights} wrote.
   *
   * @throws InvalidInputException if they don't fit
   * @throws IOException if the file cannot be read
   */
  public void loadWeights(Path file) throws IOException {
    session.loadWeights(file);
  }

  /**
   * Writes the weights as they are, the objective's own too, to a safetensors file.
   *
   * @throws DivergedException if one is no number; then nothing is written
   * @throws IOException if the file cannot be written
   */
  public void saveWeights(Path file) throws IOException {
    session.requireNumbers(state.step());
    session.saveWeights(file);
  }

  /**
   * Writes the model's weights as they are, and in another file all of them if the objective has
   * some of its own.
   */
  void saveWeights(Path modelFile, Path objectiveFile) throws IOException {
    session.requireNumbers(state.step());
    if (session.hasOwnWeights()) {
      session.saveWeights(objectiveFile);
    }
    session.saveModel(modelFile);
  }

  /** Frees the graph and the session. */
  @Override
  public void close() {
    session.close();
  }
}
