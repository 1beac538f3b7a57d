package dev.linformer.model.train;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.WeightFile;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** A model's training graph in a session: computes updates and measurements, and holds weights. */
final class TrainingSession implements AutoCloseable {

  private final TrainerConfig config;
  private final long sequenceLength;
  private final boolean xla;
  private final @Nullable Batch resident;
  private final TrainingGraph graph;
  private final Session session;
  private boolean closed;

  /** A session with fresh weights that is fed its batches. */
  static TrainingSession open(ModelConfig model, Objective objective, TrainerConfig config) {
    return new TrainingSession(model, objective, config, null);
  }

  /** A session that computes the same batch again and again, which lies on the device. */
  static TrainingSession resident(
      ModelConfig model, Objective objective, TrainerConfig config, Batch batch) {
    return new TrainingSession(model, objective, config, batch);
  }

  private TrainingSession(
      ModelConfig model, Objective objective, TrainerConfig config, @Nullable Batch resident) {
    config.requireFits(model);
    if (config.steps() == 0) {
      throw new IllegalArgumentException(
          "epochs without steps: TrainerConfig.withStepsFor counts them");
    }
    this.config = config;
    this.resident = resident;
    this.sequenceLength = model.stacks().get(0).sequenceLength();
    this.xla = Devices.compile(config.xla());
    boolean kernels = Devices.kernels(xla, config.kernels());
    this.graph = new TrainingGraph(model, objective, config, xla, kernels, resident);
    this.session = Sessions.open(graph.graph, config.threads(), xla);
    session.initialize();
  }

  /** The model's weights, and after them the objective's own. */
  List<Weight<TFloat32>> weights() {
    return graph.variables.weights();
  }

  /**
   * Makes one update; the weights stay as they are if it would spoil them.
   *
   * @param batches as many as are accumulated
   * @param step counted from 1
   * @param waited seconds in which no batch was ready
   * @throws DivergedException if a loss or the gradients' norm is no number
   */
  TrainingListener.StepReport update(List<Batch> batches, int step, double waited) {
    double rate = config.learningRateAt(step);
    int scored = batches.stream().mapToInt(Batch::scored).sum();
    double loss = 0;
    double metric = 0;
    long tokens = 0;
    double norm = 0;
    for (int i = 0; i < batches.size(); i++) {
      Batch batch = batches.get(i);
      boolean last = i == batches.size() - 1;
      try (UpdateFeed feed = new UpdateFeed(batch, step, rate, i)) {
        var accumulation = graph.accumulation;
        float share = scored == 0 ? 0 : (float) batch.scored() / scored;
        Session.Runner runner =
            feed.runner().fetch(graph.training.loss()).fetch(graph.training.metric());
        if (accumulation == null) {
          runner.fetch(graph.gradientNorm).addTarget(graph.update);
        } else {
          runner
              .feed(accumulation.share(), feed.scalar(share))
              .addTarget(i == 0 ? accumulation.first() : accumulation.next());
        }
        double partLoss;
        try (Result result = runner.run()) {
          partLoss = scalar(result.get(0));
          metric += scalar(result.get(1));
          if (accumulation == null) {
            norm = scalar(result.get(2));
          }
        }
        loss += accumulation == null ? partLoss : partLoss * share;
        tokens += batch.size() * sequenceLength;
        if (accumulation != null && last && Double.isFinite(partLoss)) {
          try (Result result =
              feed.runner().fetch(graph.gradientNorm).addTarget(graph.update).run()) {
            norm = scalar(result.get(0));
          }
        }
        if (!Double.isFinite(partLoss) || (last && !Double.isFinite(norm))) {
          throw new DivergedException(
              step, partLoss, norm, new Diagnosis(graph, feed::runner).place());
        }
      }
    }
    return new TrainingListener.StepReport(
        step, config.steps(), loss, metric / Math.max(1, scored), rate, norm, tokens, waited);
  }

  private static double scalar(Tensor tensor) {
    // As double from the start: a float does not hold every int.
    return tensor instanceof TInt32 number
        ? (double) number.getInt()
        : (double) ((TFloat32) tensor).getFloat();
  }

  /** A batch and all else that an update takes, as tensors. */
  private final class UpdateFeed implements AutoCloseable {
    private final FeedTensors feeds = new FeedTensors();

    UpdateFeed(Batch batch, int step, double rate, int part) {
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
    for (Objective.Field field : graph.fields) {
      feeds.put(graph.batch(field), field, batch);
    }
  }

  /**
   * Measures the model as it is, without dropout.
   *
   * @param batches with at least one target; with XLA none larger than those of the training
   * @return means over all targets; the loss may be no number
   */
  Evaluation evaluate(Iterable<Batch> batches) {
    double loss = 0;
    double metric = 0;
    long scored = 0;
    for (Batch batch : batches) {
      try (FeedTensors feeds = new FeedTensors()) {
        feedBatch(feeds, xla ? batch.filledUp(config.batchSize()) : batch);
        try (Result result =
            feeds
                .into(session.runner())
                .fetch(graph.evaluation.loss())
                .fetch(graph.evaluation.metric())
                .run()) {
          loss += scalar(result.get(0)) * batch.scored();
          metric += scalar(result.get(1));
          scored += batch.scored();
        }
      }
    }
    return new Evaluation(loss / scored, metric / scored, scored);
  }

  /**
   * The last update may have spoilt what the ones before did not.
   *
   * @param step the last one
   * @throws DivergedException if a weight, or what the optimizer keeps of one, is no number
   */
  void requireNumbers(int step) {
    new Diagnosis(graph, session::runner)
        .spoilt()
        .ifPresent(
            weight -> {
              throw DivergedException.spoilt(step, weight);
            });
  }

  /**
   * Gives model and objective the weights in a safetensors file.
   *
   * @throws dev.linformer.io.InvalidInputException if they don't fit
   */
  void loadWeights(Path file) throws IOException {
    WeightFile.load(session, weights(), file);
  }

  /** Writes the model's weights to a safetensors file. */
  void saveModel(Path file) throws IOException {
    WeightFile.save(session, weights().subList(0, graph.modelWeights), file);
  }

  /** Writes all weights, those of the objective too, to a safetensors file. */
  void saveWeights(Path file) throws IOException {
    WeightFile.save(session, weights(), file);
  }

  /** Whether the objective has weights of its own. */
  boolean hasOwnWeights() {
    return graph.modelWeights < weights().size();
  }

  /** Writes a checkpoint, and returns its folder. */
  Path save(CheckpointStore checkpoints, TrainingState state) throws IOException {
    return checkpoints.save(session, graph.variables, graph.slots, state);
  }

  /** Takes weights and slots from the newest checkpoint that is whole, and returns its state. */
  TrainingState restore(CheckpointStore checkpoints, Consumer<String> notices) throws IOException {
    return checkpoints.restore(session, graph.variables, graph.slots, notices);
  }

  /** Does nothing the second time. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      session.close();
      graph.close();
    }
  }
}
