package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.data.TaskData.TestSet;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A training in a model directory of its own, from the first step to the measured model: what the
 * command {@code linformer train} does. All of it is on disk from the start, so that it can be
 * stopped, or killed, and resumed.
 *
 * <pre>{@code
 * Task task = new LanguageTask(LanguageTask.Kind.CAUSAL, List.of("books/"), Tokenizer.BYTES, 64, 256, 1);
 * ModelConfig model = ModelConfig.read(Path.of("config.json"), task.sizes()); // num_tokens: the data's
 * TrainerConfig config = TrainerConfig.builder(2000).learningRate(0.005).build();
 *
 * try (TrainingRun run = TrainingRun.create(Path.of("run"), model, task, config)) {
 *   if (run.train(TrainingListener.NONE)) {
 *     System.out.println(run.finish().report().model().loss());
 *   }
 * }
 * }</pre>
 *
 * <p>The export is a line more: {@code ModelExporter.export(run.directory(),
 * run.directory().savedModel())}, in the module linformer-export, which this one does not know. A
 * run that was stopped goes on with {@link #resume(Path)}, and on one thread comes to the same
 * weights, to the last bit.
 *
 * <p>Another process, or another run of this one, cannot train in the same folder while a run is
 * open.
 */
public final class TrainingRun implements Closeable {

  /**
   * A finished training.
   *
   * @param report how the model did on the test examples
   * @param best the measurement on the validation examples whose weights the model has; empty if
   *     they are those of the last step
   * @param stoppedEarly whether the training ended before its last step, see {@link
   *     Trainer#stoppedEarly}
   */
  public record Result(
      TestReport report, Optional<TrainingState.Measured> best, boolean stoppedEarly) {}

  private final RunSettings settings;
  private final TrainingMessages messages;
  private final TrainingLock lock;
  private final TaskData data;
  private final Trainer trainer;

  private TrainingRun(
      RunSettings settings,
      TrainingMessages messages,
      TrainingLock lock,
      TaskData data,
      Trainer trainer) {
    this.settings = settings;
    this.messages = messages;
    this.lock = lock;
    this.data = data;
    this.trainer = trainer;
  }

  /**
   * A training from the beginning, whose messages nobody hears.
   *
   * @param folder new or empty
   * @see #create(Path, ModelConfig, Task, TrainerConfig, TrainingMessages)
   */
  public static TrainingRun create(Path folder, ModelConfig model, Task task, TrainerConfig config)
      throws IOException {
    return create(folder, model, task, config, TrainingMessages.NONE);
  }

  /**
   * A training from the beginning: reads or makes the examples, and writes config.json and
   * trainer_state.json. One that is refused leaves nothing behind.
   *
   * @param folder new or empty
   * @throws InvalidInputException if model, task, examples and configuration don't go together, or
   *     something is in the folder, or it would become part of the examples
   * @throws IOException if the examples cannot be read or the folder cannot be written
   */
  public static TrainingRun create(
      Path folder, ModelConfig model, Task task, TrainerConfig config, TrainingMessages messages)
      throws IOException {
    RunSettings.requireFit(folder, model, task, config);
    boolean existed = Files.exists(folder);
    TrainingLock lock = lock(ModelDirectory.create(folder), messages);
    TaskData data = null;
    try {
      ModelDirectory directory = ModelDirectory.create(folder); // nobody was faster
      RunSettings settings = new RunSettings(directory, model, config, task, null, 0);
      try {
        data = open(settings, messages);
        data.train(0, config.batchSize()); // a batch that is too large is said now
        settings = settings.with(config.withStepsFor(data));
        directory.writeConfig(model);
        settings.write(TrainingState.START, data, null);
      } catch (IOException | RuntimeException | Error e) {
        directory.takeBack(existed);
        throw e;
      }
      return begin(settings, messages, lock, data);
    } catch (IOException | RuntimeException | Error e) {
      close(lock, data, null);
      throw e;
    }
  }

  /**
   * The training of one of {@link Task#NAMES} in a folder, from its newest checkpoint; its messages
   * nobody hears.
   *
   * @see #resume(Path, Task, TrainingMessages)
   */
  public static TrainingRun resume(Path folder) throws IOException {
    return resume(folder, null, TrainingMessages.NONE);
  }

  /**
   * The training in a folder, with its own settings, from its newest checkpoint, or from the
   * beginning if it had none yet.
   *
   * @param own the task that the training was created with, if that is not one of {@link
   *     Task#NAMES}; else null
   * @throws InvalidInputException if there is no training, its task or its examples are others, or
   *     none of its checkpoints can be used
   * @throws IOException if the examples cannot be read or the folder cannot be written
   */
  public static TrainingRun resume(Path folder, @Nullable Task own, TrainingMessages messages)
      throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(folder + ": no such folder");
    }
    RunSettings settings = RunSettings.read(new ModelDirectory(folder), own);
    TrainingLock lock = lock(settings.directory(), messages);
    TaskData data = null;
    try {
      data = open(settings, messages);
      return begin(settings, messages, lock, data);
    } catch (IOException | RuntimeException | Error e) {
      close(lock, data, null);
      throw e;
    }
  }

  /**
   * Where a training stands that has made its last update, and that {@link #finish} has measured:
   * nothing is left to resume.
   *
   * @return empty if something is left to do, or there is no training
   * @throws InvalidInputException if trainer_state.json cannot be read
   */
  public static Optional<TrainingState> finished(ModelDirectory directory) {
    return RunSettings.finished(directory);
  }

  private static TrainingLock lock(ModelDirectory directory, TrainingMessages messages)
      throws IOException {
    TrainingLock lock = TrainingLock.take(directory);
    lock.failure()
        .ifPresent(
            reason ->
                messages.warn(
                    "%s cannot be locked (%s): start no other training there"
                        .formatted(directory.path(), reason)));
    return lock;
  }

  private static TaskData open(RunSettings settings, TrainingMessages messages) throws IOException {
    messages.info("preparing the data of the task %s".formatted(settings.task().name()));
    TaskData data = settings.openData();
    data.remarks().forEach(messages::info);
    return data;
  }

  private static TrainingRun begin(
      RunSettings settings, TrainingMessages messages, TrainingLock lock, TaskData data)
      throws IOException {
    Trainer trainer =
        Trainer.resume(
            settings.model(),
            settings.task().objective(),
            settings.config(),
            settings.directory().checkpoints());
    try {
      trainer.notices().forEach(messages::warn);
      settings.requireCheckpoint(trainer.state());
      return new TrainingRun(settings, messages, lock, data, trainer);
    } catch (RuntimeException e) {
      trainer.close();
      throw e;
    }
  }

  /** The folder, which has all that the run writes. */
  public ModelDirectory directory() {
    return settings.directory();
  }

  /** What is trained. */
  public ModelConfig model() {
    return settings.model();
  }

  /** What is learnt. */
  public Task task() {
    return settings.task();
  }

  /** How it is learnt. */
  public TrainerConfig config() {
    return settings.config();
  }

  /** Where the training stands. */
  public TrainingState state() {
    return trainer.state();
  }

  /**
   * Makes {@link #train} return after the step it is at, with a checkpoint. May be called from any
   * thread.
   */
  public void requestStop() {
    trainer.requestStop();
  }

  /**
   * Makes the updates that are left, and writes log.jsonl, TensorBoard's events and checkpoints.
   *
   * @param listener hears what happens, after those files
   * @return whether the training is finished, and {@link #finish} may follow; false if a stop was
   *     requested before
   * @throws DivergedException if the loss, the gradients' norm or a weight is no number any more
   * @throws IOException if the examples cannot be read or a file cannot be written, or what the
   *     listener throws
   */
  public boolean train(TrainingListener listener) throws IOException {
    int step = trainer.state().step();
    boolean finished;
    try (RunLog log = RunLog.open(directory().logFile(), step);
        EventLog events = EventLog.open(directory().path(), step, config().logEvery())) {
      finished = trainer.train(data, TrainingListener.all(List.of(log, events, listener)));
    }
    if (!finished) {
      settings.write(trainer.state(), data, null);
    }
    return finished;
  }

  /**
   * Ends a training that is finished: takes the weights of the best measurement, if there are
   * measurements, measures them on the test examples, and writes model.safetensors and
   * trainer_state.json. The weights of an objective of one's own are beside them, with the model's,
   * in objective.safetensors. Frees the session; nothing can be trained after it.
   *
   * @throws DivergedException if the loss on the test examples is no number
   * @throws IOException if the examples cannot be read or a file cannot be written
   */
  public Result finish() throws IOException {
    Optional<TrainingState.Measured> best = trainer.loadBest();
    if (!best.equals(trainer.state().best())) {
      messages.warn("the checkpoint of the best measurement cannot be used any more");
    }
    TestSet examples = data.test(config().batchSize());
    TestReport report = TestReport.of(trainer.evaluate(examples.batches()), examples);
    trainer.saveWeights(directory().weightsFile(), objectiveFile(directory()));
    settings.write(trainer.state(), data, report);
    trainer.close();
    return new Result(report, best, trainer.stoppedEarly());
  }

  private static Path objectiveFile(ModelDirectory directory) {
    return directory.path().resolve("objective.safetensors");
  }

  /**
   * Measures the weights of a model that was trained in a folder, on examples that training never
   * saw.
   *
   * @param directory that {@link #finish} has written to
   * @param own the task that the training was created with, if that is not one of {@link
   *     Task#NAMES}; else null
   * @param seed of the examples of tasks that make them
   * @throws InvalidInputException if there was no training, its examples are others, or a seed is
   *     given and none is used
   * @throws DivergedException if the loss is no number
   * @throws IOException if a file cannot be read
   */
  public static TestReport evaluate(ModelDirectory directory, @Nullable Task own, OptionalLong seed)
      throws IOException {
    RunSettings settings = RunSettings.read(directory, own);
    try (TaskData data = settings.openData()) {
      TestSet examples = data.fresh(seed, settings.config().batchSize());
      try (Trainer trainer =
          Trainer.start(
              settings.model(),
              settings.task().objective(),
              settings.config(),
              directory.checkpoints())) {
        Path all = objectiveFile(directory);
        trainer.loadWeights(Files.exists(all) ? all : directory.weightsFile());
        return TestReport.of(trainer.evaluate(examples.batches()), examples);
      }
    }
  }

  /** Lets others train in the folder, and frees all that is open. */
  @Override
  public void close() throws IOException {
    close(lock, data, trainer);
  }

  private static void close(TrainingLock lock, @Nullable TaskData data, @Nullable Trainer trainer)
      throws IOException {
    try {
      if (trainer != null) {
        trainer.close();
      }
      if (data != null) {
        data.close();
      }
    } finally {
      lock.close();
    }
  }
}
