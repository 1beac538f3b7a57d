package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.weights.WeightFile;
import dev.linformer.runtime.Devices;
import dev.linformer.runtime.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;

/**
 * Trains a model. A step is a function of the weights, the seed and its number: a training that was
 * stopped and resumed goes the same way as one that wasn't, and on one thread to the last digit.
 */
public final class Trainer implements AutoCloseable {

  private final TrainerConfig config;
  private final boolean xla;
  private final @Nullable Batch resident;
  private final TrainingGraph graph;
  private final Session session;
  private final CheckpointStore checkpoints;
  private final LongSupplier clock;
  private final List<String> notices = new ArrayList<>();
  private TrainingState state = TrainingState.START;
  private volatile boolean stopRequested;

  /**
   * A training from the beginning.
   *
   * @param checkpoints folder for the checkpoints
   */
  public static Trainer start(
      ModelConfig model, Objective objective, TrainerConfig config, Path checkpoints) {
    return start(model, objective, config, checkpoints, System::nanoTime);
  }

  /** The same by a clock of nanoseconds. */
  static Trainer start(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      Path checkpoints,
      LongSupplier clock) {
    return new Trainer(model, objective, config, checkpoints, null, clock);
  }

  /** One that computes the same batch again and again, which lies on the device; to be timed. */
  static Trainer resident(
      ModelConfig model,
      Objective objective,
      TrainerConfig config,
      Path checkpoints,
      Batch batch,
      LongSupplier clock) {
    return new Trainer(model, objective, config, checkpoints, batch, clock);
  }

  /**
   * A training from its newest checkpoint, or from the beginning if it had none yet. One that is
   * damaged or lacks a file is put aside for the one before it: {@link #notices} says so.
   *
   * @throws dev.linformer.io.InvalidInputException if no checkpoint can be used
   */
  public static Trainer resume(
      ModelConfig model, Objective objective, TrainerConfig config, Path checkpoints)
      throws IOException {
    Trainer trainer = start(model, objective, config, checkpoints);
    try {
      trainer.checkpoints.clean();
      TrainingGraph graph = trainer.graph;
      trainer.state =
          trainer.checkpoints.restore(
              trainer.session, graph.variables, graph.slots, trainer.notices::add);
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
      @Nullable Batch resident,
      LongSupplier clock) {
    config.requireFits(model);
    this.config = config;
    this.clock = clock;
    this.resident = resident;
    this.xla = Devices.compile(config.xla());
    boolean kernels = Devices.kernels(xla, config.kernels());
    this.graph = new TrainingGraph(model, objective, config, xla, kernels, resident);
    this.session = Sessions.open(graph.graph, config.threads(), xla);
    session.initialize();
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

  /** The model's weights. */
  public List<Variables.Weight<TFloat32>> weights() {
    return graph.variables.weights();
  }

  /**
   * Makes {@link #train} return after the step it is at, with a checkpoint. May be called from any
   * thread.
   */
  public void requestStop() {
    stopRequested = true;
  }

  /** Whether all updates are made, or the loss on the validation examples falls no more. */
  private boolean finished() {
    return state.step() >= config.steps() || stoppedEarly();
  }

  /**
   * Whether the loss on the validation examples fell no more for as many measurements as the
   * training's patience, so that it ended before its last step.
   */
  public boolean stoppedEarly() {
    return state.step() < config.steps()
        && config.patience() > 0
        && state.sinceBest() >= config.patience();
  }

  /**
   * Makes the updates that are left, with a checkpoint every so many, one at the best measurement
   * so far and one at the end.
   *
   * @return whether the training is finished; false if a stop was requested before
   * @throws DivergedException if the loss, the gradients' norm or a weight is no number any more;
   *     no checkpoint has such weights
   */
  public boolean train(TaskData data, TrainingListener listener) throws IOException {
    int saved = state.step();
    int parts = config.accumulation();
    try (BatchPrefetcher feeder =
        new BatchPrefetcher(
            index -> data.train(index, config.batchSize()),
            (long) state.step() * parts,
            (long) config.steps() * parts)) {
      while (!finished() && !stopRequested) {
        step(feeder, listener);
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

  /** Hears of a step how long it took, and how long it waited for its batches, in ms. */
  interface Times {
    void step(int index, double total, double waited);
  }

  /** Makes updates, and neither measurements nor checkpoints. */
  void time(TaskData data, int steps, Times times) throws IOException {
    int parts = config.accumulation();
    try (BatchPrefetcher feeder =
        new BatchPrefetcher(
            index -> resident == null ? data.train(index, config.batchSize()) : resident,
            0,
            (long) steps * parts)) {
      for (int i = 0; i < steps; i++) {
        long start = clock.getAsLong();
        List<Batch> batches = next(feeder);
        double waited = (clock.getAsLong() - start) / 1e6;
        state = state.next(update(batches, waited).tokens());
        times.step(i, (clock.getAsLong() - start) / 1e6, waited);
      }
    }
  }

  private List<Batch> next(BatchPrefetcher feeder) throws IOException {
    List<Batch> batches = new ArrayList<>();
    for (int i = 0; i < config.accumulation(); i++) {
      batches.add(feeder.next());
    }
    return batches;
  }

  private boolean isDue(int every) {
    return every > 0 && (state.step() % every == 0 || state.step() == config.steps());
  }

  /** Measures on the validation examples; whether it is the best so far. */
  private boolean measure(TaskData data, TrainingListener listener) throws IOException {
    Evaluation found = mean(data.validation(config.batchSize()));
    if (!Double.isFinite(found.loss())) {
      throw new DivergedException(
          state.step(), found.loss(), Double.NaN, "on the validation examples");
    }
    state = state.with(new TrainingState.Measured(state.step(), found.loss(), found.accuracy()));
    listener.onEvaluation(state.step(), found);
    return state.sinceBest() == 0;
  }

  private int checkpoint(TrainingListener listener) throws IOException {
    requireNumbers();
    Path folder = checkpoints.save(session, graph.variables, graph.slots, state);
    listener.onCheckpoint(state.step(), folder);
    return state.step();
  }

  /** The last update may have spoilt what the ones before did not. */
  private void requireNumbers() {
    new Diagnosis(graph, session::runner)
        .spoilt()
        .ifPresent(
            weight -> {
              throw DivergedException.spoilt(state.step(), weight);
            });
  }

  private void step(BatchPrefetcher feeder, TrainingListener listener) throws IOException {
    long start = clock.getAsLong();
    List<Batch> batches = next(feeder);
    double waited = (clock.getAsLong() - start) / 1e9;
    TrainingListener.StepReport report = update(batches, waited);
    state = state.next(report.tokens());
    if (report.step() % config.logEvery() == 0 || report.step() == config.steps()) {
      state =
          state.with(
              new TrainingState.Entry(
                  report.step(),
                  report.loss(),
                  report.accuracy(),
                  report.learningRate(),
                  report.gradientNorm()));
    }
    listener.onStep(report);
  }

  /** Makes one update; the weights stay as they are if it would spoil them. */
  private TrainingListener.StepReport update(List<Batch> batches, double waited) {
    int step = state.step() + 1;
    double rate = config.learningRateAt(step);
    int scored = batches.stream().mapToInt(Batch::scored).sum();
    double loss = 0;
    long correct = 0;
    long tokens = 0;
    double norm = 0;
    for (int i = 0; i < batches.size(); i++) {
      Batch batch = batches.get(i);
      boolean last = i == batches.size() - 1;
      try (Fed fed = new Fed(batch, step, rate, i)) {
        var accumulation = graph.accumulation;
        float share = scored == 0 ? 0 : (float) batch.scored() / scored;
        Session.Runner runner =
            fed.runner().fetch(graph.training.loss()).fetch(graph.training.correct());
        if (accumulation == null) {
          runner.fetch(graph.gradientNorm).addTarget(graph.update);
        } else {
          runner
              .feed(accumulation.share(), fed.scalar(share))
              .addTarget(i == 0 ? accumulation.first() : accumulation.next());
        }
        double partLoss;
        try (Result result = runner.run()) {
          partLoss = scalar(result, 0);
          correct += ((org.tensorflow.types.TInt32) result.get(1)).getInt();
          if (accumulation == null) {
            norm = scalar(result, 2);
          }
        }
        loss += accumulation == null ? partLoss : partLoss * share;
        tokens += batch.tokens().length;
        if (accumulation != null && last && Double.isFinite(partLoss)) {
          try (Result result =
              fed.runner().fetch(graph.gradientNorm).addTarget(graph.update).run()) {
            norm = scalar(result, 0);
          }
        }
        if (!Double.isFinite(partLoss) || (last && !Double.isFinite(norm))) {
          throw new DivergedException(
              step, partLoss, norm, new Diagnosis(graph, fed::runner).place());
        }
      }
    }
    return new TrainingListener.StepReport(
        step,
        config.steps(),
        loss,
        (double) correct / Math.max(1, scored),
        rate,
        norm,
        tokens,
        waited);
  }

  private static double scalar(Result result, int index) {
    return ((TFloat32) result.get(index)).getFloat();
  }

  /** A batch and all else that an update takes, as tensors. */
  private final class Fed implements AutoCloseable {
    private final FeedTensors feeds = new FeedTensors();

    Fed(Batch batch, int step, double rate, int part) {
      if (resident == null) {
        feedBatch(feeds, batch);
      }
      feeds.put(graph.step, step);
      if (graph.accumulation != null) {
        feeds.put(graph.draw, (step - 1L) * config.accumulation() + part + 1);
      }
      feeds.put(graph.learningRate, (float) rate);
    }

    Session.Runner runner() {
      return feeds.into(session.runner());
    }

    TFloat32 scalar(float value) {
      return feeds.own(TFloat32.scalarOf(value));
    }

    @Override
    public void close() {
      feeds.close();
    }
  }

  private void feedBatch(FeedTensors feeds, Batch batch) {
    Shape shape = Shape.of(batch.size(), batch.tokens().length / batch.size());
    feeds.put(graph.tokens, shape, batch.tokens());
    boolean everyPosition = batch.targets().length != batch.size();
    feeds.put(graph.targets, everyPosition ? shape : Shape.of(batch.size()), batch.targets());
    if (graph.lengths != null) {
      feeds.put(graph.lengths, Shape.of(batch.size()), batch.lengths());
    }
  }

  /**
   * Measures the model as it is, without dropout.
   *
   * @param batches with at least one target; with XLA none larger than those of the training
   * @throws DivergedException if the loss is no number
   */
  public Evaluation evaluate(Iterable<Batch> batches) {
    Evaluation found = mean(batches);
    if (!Double.isFinite(found.loss())) {
      throw DivergedException.measured(found.loss());
    }
    return found;
  }

  private Evaluation mean(Iterable<Batch> batches) {
    double loss = 0;
    long correct = 0;
    long scored = 0;
    for (Batch batch : batches) {
      try (FeedTensors feeds = new FeedTensors()) {
        feedBatch(feeds, xla ? batch.filledUp(config.batchSize()) : batch);
        try (Result result =
            feeds
                .into(session.runner())
                .fetch(graph.evaluation.loss())
                .fetch(graph.evaluation.correct())
                .run()) {
          loss += scalar(result, 0) * batch.scored();
          correct += ((org.tensorflow.types.TInt32) result.get(1)).getInt();
          scored += batch.scored();
        }
      }
    }
    return new Evaluation(loss / scored, (double) correct / scored, scored);
  }

  /**
   * Computes everything that a training computes, once: an update on the first batches, and a
   * measurement on the first validation batch. Writes nothing.
   */
  public TrainingListener.StepReport dryRun(TaskData data) throws IOException {
    List<Batch> batches = new ArrayList<>();
    for (int i = 0; i < config.accumulation(); i++) {
      batches.add(data.train(i, config.batchSize()));
    }
    TrainingListener.StepReport report = update(batches, 0);
    evaluate(List.of(data.validation(config.batchSize()).iterator().next()));
    return report;
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
        loadWeights(checkpoints.weights(measured.step()));
        return Optional.of(measured);
      } catch (InvalidInputException | IOException e) {
        // Damaged or deleted; most are deleted when there are newer ones.
      }
    }
    return Optional.empty();
  }

  /**
   * Gives the model the weights in a safetensors file.
   *
   * @throws dev.linformer.io.InvalidInputException if they don't fit
   */
  public void loadWeights(Path file) throws IOException {
    WeightFile.load(session, graph.variables.weights(), file);
  }

  /**
   * Writes the weights as they are to a safetensors file.
   *
   * @throws DivergedException if one is no number; then nothing is written
   */
  public void saveWeights(Path file) throws IOException {
    requireNumbers();
    WeightFile.save(session, graph.variables.weights(), file);
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
