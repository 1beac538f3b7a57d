package dev.linformer.model.train;

import dev.linformer.model.ClassifierConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.TokenBatches;
import dev.linformer.model.weights.WeightFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * Trains a classifier. A step is a function of the weights, the seed and its number: a training
 * that was stopped and resumed goes the same way as one that wasn't, and on one thread to the last
 * digit.
 */
public final class Trainer implements AutoCloseable {

  private final ClassifierConfig model;
  private final TrainerConfig config;
  private final TrainingGraph graph;
  private final Session session;
  private final CheckpointStore checkpoints;
  private TrainingState state = TrainingState.START;
  private volatile boolean stopRequested;

  /**
   * A training from the beginning.
   *
   * @param checkpoints folder for the checkpoints
   */
  public static Trainer start(ClassifierConfig model, TrainerConfig config, Path checkpoints) {
    return new Trainer(model, config, checkpoints);
  }

  /**
   * A training from its newest checkpoint, or from the beginning if it had none yet.
   *
   * @throws IOException if the checkpoint cannot be read
   */
  public static Trainer resume(ClassifierConfig model, TrainerConfig config, Path checkpoints)
      throws IOException {
    Trainer trainer = new Trainer(model, config, checkpoints);
    try {
      var newest = trainer.checkpoints.newest();
      if (newest.isPresent()) {
        TrainingGraph graph = trainer.graph;
        trainer.state =
            CheckpointStore.restore(newest.get(), trainer.session, graph.variables, graph.slots);
      }
      return trainer;
    } catch (IOException | RuntimeException e) {
      trainer.close();
      throw e;
    }
  }

  private Trainer(ClassifierConfig model, TrainerConfig config, Path checkpoints) {
    this.model = model;
    this.config = config;
    this.graph = new TrainingGraph(model, config);
    this.session = Sessions.open(graph.graph, config.threads());
    session.initialize();
    this.checkpoints = new CheckpointStore(checkpoints, config.keepCheckpoints());
  }

  /** How the model is trained. */
  public TrainerConfig config() {
    return config;
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

  /**
   * Makes the updates that are left, with a checkpoint every so many and one at the end.
   *
   * @return whether all updates are made; false if a stop was requested before
   * @throws DivergedException if the loss or the gradients' norm is no number any more
   */
  public boolean train(List<Example> examples, TrainingListener listener) throws IOException {
    int n = model.encoder().sequenceLength();
    TokenBatches batches = new TokenBatches(examples, config.batchSize(), n, config.seed());
    int saved = state.step();
    while (state.step() < config.steps() && !stopRequested) {
      step(batches.batch(state.step()), listener);
      if (state.step() % config.checkpointEvery() == 0) {
        saved = checkpoint(listener);
      }
    }
    if (state.step() > saved) { // at the end, and whenever in the loop a stop was requested
      checkpoint(listener);
    }
    return state.step() == config.steps();
  }

  private int checkpoint(TrainingListener listener) throws IOException {
    checkpoints.save(session, graph.variables, graph.slots, state);
    listener.onCheckpoint(state.step(), checkpoints.newest().orElseThrow());
    return state.step();
  }

  private void step(TokenBatches.Batch batch, TrainingListener listener) {
    int step = state.step() + 1;
    double rate = config.learningRateAt(step);
    try (TInt32 tokens = tokens(batch);
        TInt32 labels = TInt32.vectorOf(batch.labels());
        TInt64 number = TInt64.scalarOf(step);
        TFloat32 learningRate = TFloat32.scalarOf((float) rate);
        Result result =
            session
                .runner()
                .feed(graph.tokens, tokens)
                .feed(graph.labels, labels)
                .feed(graph.step, number)
                .feed(graph.learningRate, learningRate)
                .fetch(graph.training.loss())
                .fetch(graph.training.correct())
                .fetch(graph.gradientNorm)
                .addTarget(graph.update)
                .run()) {
      double loss = ((TFloat32) result.get(0)).getFloat();
      double accuracy = (double) ((TInt32) result.get(1)).getInt() / batch.size();
      double norm = ((TFloat32) result.get(2)).getFloat();
      if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
        throw new DivergedException(step, loss, norm);
      }
      boolean log = step % config.logEvery() == 0 || step == config.steps();
      var entry = new TrainingState.Entry(step, loss, accuracy, rate, norm);
      state = state.next(batch.tokens().length, log ? List.of(entry) : List.of());
      listener.onStep(
          new TrainingListener.StepReport(
              step, config.steps(), loss, accuracy, batch.tokens().length));
    }
  }

  /**
   * Measures the model as it is, without dropout.
   *
   * @param examples at least one
   */
  public Evaluation evaluate(List<Example> examples) {
    int n = model.encoder().sequenceLength();
    double loss = 0;
    long correct = 0;
    for (var batch : TokenBatches.inOrder(examples, config.batchSize(), n)) {
      try (TInt32 tokens = tokens(batch);
          TInt32 labels = TInt32.vectorOf(batch.labels());
          Result result =
              session
                  .runner()
                  .feed(graph.tokens, tokens)
                  .feed(graph.labels, labels)
                  .fetch(graph.evaluation.loss())
                  .fetch(graph.evaluation.correct())
                  .run()) {
        loss += ((TFloat32) result.get(0)).getFloat() * (double) batch.size();
        correct += ((TInt32) result.get(1)).getInt();
      }
    }
    return new Evaluation(
        loss / examples.size(), (double) correct / examples.size(), examples.size());
  }

  private TInt32 tokens(TokenBatches.Batch batch) {
    Shape shape = Shape.of(batch.size(), model.encoder().sequenceLength());
    return TInt32.tensorOf(shape, DataBuffers.of(batch.tokens()));
  }

  /**
   * Gives the model the weights in a safetensors file.
   *
   * @throws dev.linformer.model.InvalidInputException if they don't fit
   */
  public void loadWeights(Path file) throws IOException {
    WeightFile.load(session, graph.variables.weights(), file);
  }

  /** Writes the weights as they are to a safetensors file. */
  public void saveWeights(Path file) throws IOException {
    WeightFile.save(session, graph.variables.weights(), file);
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
