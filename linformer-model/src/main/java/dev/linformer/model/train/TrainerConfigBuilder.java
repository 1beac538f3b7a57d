package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;
import dev.linformer.runtime.Toggle;

/** Makes a configuration: what is not set has the default that its method names. */
public final class TrainerConfigBuilder {

  /** Stands for the default while the number of updates is not known. */
  static final int UNCOUNTED = -1;

  private final int steps;
  private final double epochs;
  int batchSize = 64;
  int accumulation = 1;
  Optimizer optimizer = new AdamW();
  double learningRate = 3e-3;
  int warmupSteps;
  Schedule schedule = Schedule.LINEAR;
  double clipNorm = 1;
  int logEvery = 50;
  int evaluateEvery;
  int patience;
  int checkpointEvery = 500;
  int keepCheckpoints = 2;
  long seed = 1;
  int threads;
  Toggle xla = Toggle.AUTO;
  Toggle kernels = Toggle.AUTO;

  TrainerConfigBuilder(int steps, double epochs) {
    this.steps = steps;
    this.epochs = epochs;
    this.warmupSteps = steps == 0 && epochs != 0 ? UNCOUNTED : Math.min(100, steps / 10);
  }

  /** All of a configuration, with another number of updates. */
  TrainerConfigBuilder(TrainerConfig from, int steps) {
    this(steps, from.epochs());
    batchSize = from.batchSize();
    accumulation = from.accumulation();
    optimizer = from.optimizer();
    learningRate = from.learningRate();
    warmupSteps = from.warmupSteps() == UNCOUNTED ? warmupSteps : from.warmupSteps();
    schedule = from.schedule();
    clipNorm = from.clipNorm();
    logEvery = from.logEvery();
    evaluateEvery = from.evaluateEvery();
    patience = from.patience();
    checkpointEvery = from.checkpointEvery();
    keepCheckpoints = from.keepCheckpoints();
    seed = from.seed();
    threads = from.threads();
    xla = from.xla();
    kernels = from.kernels();
  }

  /** Sequences that are computed at once; 64 unless set. */
  public TrainerConfigBuilder batchSize(int value) {
    batchSize = value;
    return this;
  }

  /** Batches whose gradients are added up for an update; 1 unless set. */
  public TrainerConfigBuilder accumulation(int value) {
    accumulation = value;
    return this;
  }

  /** What makes an update of gradients; {@link AdamW#AdamW()} unless set. */
  public TrainerConfigBuilder optimizer(Optimizer value) {
    optimizer = value;
    return this;
  }

  /** The highest learning rate; 0.003 unless set. */
  public TrainerConfigBuilder learningRate(double value) {
    learningRate = value;
    return this;
  }

  /** Updates over which the rate rises from 0; a tenth of all, at most 100, unless set. */
  public TrainerConfigBuilder warmupSteps(int value) {
    warmupSteps = value;
    return this;
  }

  /** How the rate falls after warm-up; {@link Schedule#LINEAR} unless set. */
  public TrainerConfigBuilder schedule(Schedule value) {
    schedule = value;
    return this;
  }

  /** Largest common norm of the gradients; 1 unless set. */
  public TrainerConfigBuilder clipNorm(double value) {
    clipNorm = value;
    return this;
  }

  /** Steps between lines of the history; 50 unless set. */
  public TrainerConfigBuilder logEvery(int value) {
    logEvery = value;
    return this;
  }

  /** Steps between measurements on the validation examples; 0, for none, unless set. */
  public TrainerConfigBuilder evaluateEvery(int value) {
    evaluateEvery = value;
    return this;
  }

  /** Measurements without a better loss after which the training ends; 0, never, unless set. */
  public TrainerConfigBuilder patience(int value) {
    patience = value;
    return this;
  }

  /** Steps between checkpoints; 500 unless set. */
  public TrainerConfigBuilder checkpointEvery(int value) {
    checkpointEvery = value;
    return this;
  }

  /** How many of the newest checkpoints stay, besides the best one; 2 unless set. */
  public TrainerConfigBuilder keepCheckpoints(int value) {
    keepCheckpoints = value;
    return this;
  }

  /** Seed of initial weights, order of the data and dropout; 1 unless set. */
  public TrainerConfigBuilder seed(long value) {
    seed = value;
    return this;
  }

  /** Threads that compute; 0, for one a core, unless set. */
  public TrainerConfigBuilder threads(int value) {
    threads = value;
    return this;
  }

  /** Whether XLA compiles the graphs; {@link Toggle#AUTO} unless set. */
  public TrainerConfigBuilder xla(Toggle value) {
    xla = value;
    return this;
  }

  /** Whether attentions, norms and GELU are kernels; {@link Toggle#AUTO} unless set. */
  public TrainerConfigBuilder kernels(Toggle value) {
    kernels = value;
    return this;
  }

  /**
   * Makes the configuration.
   *
   * @throws InvalidInputException if a value is out of its range
   */
  public TrainerConfig build() {
    return new TrainerConfig(
        steps,
        epochs,
        batchSize,
        accumulation,
        optimizer,
        learningRate,
        warmupSteps,
        schedule,
        clipNorm,
        logEvery,
        evaluateEvery,
        patience,
        checkpointEvery,
        keepCheckpoints,
        seed,
        threads,
        xla,
        kernels);
  }
}
