package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.export.ExportOptions;
import dev.linformer.export.ModelExporter;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.train.TrainingMessages;
import dev.linformer.model.train.TrainingRun;
import dev.linformer.model.train.TrainingState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.tensorflow.exceptions.TFResourceExhaustedException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer train}: from a configuration to a trained, measured and exported model. */
@Command(
    name = "train",
    description = {
      "Trains a model, measures it and exports it.",
      "Without options: ListOps with up to 128 tokens, in 80 to 160 seconds on two idle cores."
    },
    footer = {
      "  linformer train --task copy --steps 500 --out runs/copy",
      "  linformer train --task classify --data reviews.csv",
      "  linformer train --config model.json --set dim_k=64 --dry-run",
      "  linformer train --resume runs/copy"
    },
    modelTransformer = TaskDefaults.class,
    mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {

  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

  @Option(
      names = "--config",
      description =
          "The model, as JSON; the keys training_args and task may hold settings of the training"
              + " and the task. A small model of the task's unless given.")
  private @Nullable Path config;

  @Option(
      names = "--task",
      description = "What to learn: listops, the default, masked-lm, causal-lm, classify or copy.")
  private @Nullable String task;

  @Option(
      names = "--data",
      arity = "1..*",
      paramLabel = "PATH",
      description =
          "Text files or folders of such for masked-lm and causal-lm; a .csv or .tsv file for"
              + " classify; each may be gzip.")
  private List<Path> data = List.of();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description =
          "A value in the place of the configuration's, such as dim_k=64,"
              + " training_args.eval_steps=100 or task.tokenizer=gpt2; may be repeated.")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Option(names = "--out", description = "A new or empty folder; under runs/ unless given.")
  private @Nullable Path out;

  @Option(names = "--steps", description = "Updates.")
  private @Nullable Integer steps;

  @Option(
      names = "--epochs",
      description =
          "Instead of --steps: how often the examples to learn from are seen, 1.5 for once and a"
              + " half.")
  private @Nullable Double epochs;

  @Option(names = "--batch", description = "Sequences a step.")
  private @Nullable Integer batch;

  @Option(names = "--learning-rate", description = "The highest, after warm-up.")
  private @Nullable Double learningRate;

  @Option(
      names = "--seed",
      description =
          "Of data, weights and dropout; 1 unless given. The same seed gives the same data and"
              + " start; with --threads 1, the same weights to the last bit.")
  private @Nullable Long seed;

  @Option(names = "--threads", description = "Threads that compute; 0, the default: one a core.")
  private @Nullable Integer threads;

  @Option(
      names = "--xla",
      arity = "1",
      description =
          "Whether XLA compiles the graphs, true or false; default: where there is a GPU.")
  private @Nullable Boolean xla;

  @Option(
      names = "--dry-run",
      description = "Reads the data, computes one update and one measurement, and writes nothing.")
  private boolean dryRun;

  @Option(
      names = "--time-feeding",
      paramLabel = "STEPS",
      description =
          "Measures so many steps with data that is fed as ever, and with a batch that lies on the"
              + " device; writes nothing.")
  private @Nullable Integer timeFeeding;

  @Option(
      names = "--resume",
      description = "Goes on with the training in this folder, with its own settings.")
  private @Nullable Path resume;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    TrainingMessages messages = new ConsoleMessages(spec);
    if (resume != null) {
      requireNothingElse(resume);
      ModelDirectory directory = new ModelDirectory(resume);
      if (isDone(directory)) {
        return 0;
      }
      TensorFlowLog.quiet(spec, TensorFlowLog.threadsOf(directory));
      try (TrainingRun run = TrainingRun.resume(resume, null, messages)) {
        return finish(run, messages);
      }
    }
    TrainSettings settings = settings();
    TensorFlowLog.quiet(spec, settings.trainer().threads());
    if (timeFeeding != null || dryRun) {
      return tryOut(new TrialRun(settings, messages, new Results(spec)));
    }
    try (TrainingRun run =
        TrainingRun.create(
            folder(settings), settings.model(), settings.task(), settings.trainer(), messages)) {
      return finish(run, messages);
    }
  }

  private Integer tryOut(TrialRun trial) throws IOException {
    if (timeFeeding != null) {
      if (out != null || dryRun) {
        throw new InvalidInputException(
            "--time-feeding writes nothing; leave out --out and --dry-run");
      }
      trial.timeFeeding(timeFeeding);
      return 0;
    }
    if (out != null) {
      throw new InvalidInputException("--dry-run writes nothing; leave out --out");
    }
    trial.dryRun();
    return 0;
  }

  private void requireNothingElse(Path folder) {
    for (var option : spec.options()) {
      boolean own = List.of("--resume", "--help", "--version").contains(option.longestName());
      if (!own && spec.commandLine().getParseResult().hasMatchedOption(option)) {
        throw new InvalidInputException(
            "--resume goes on with the settings in %s; leave out %s"
                .formatted(folder, option.longestName()));
      }
    }
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("--resume %s: no such folder".formatted(folder));
    }
  }

  /** Whether a training is finished and its model exported, which is said then. */
  private boolean isDone(ModelDirectory directory) throws IOException {
    Optional<TrainingState> end = TrainingRun.finished(directory);
    if (end.isEmpty()) {
      return false;
    }
    Optional<Path> version = ModelExporter.find(directory, directory.savedModel());
    version.ifPresent(
        path ->
            new Results(spec)
                .print(
                    "the training in %s is finished, after step %s, and its model is exported to %s; nothing is left to do"
                        .formatted(directory.path(), end.get().step(), path)));
    return version.isPresent();
  }

  private Path folder(TrainSettings settings) {
    if (out != null) {
      return out;
    }
    String stamp = LocalDateTime.now(ZoneId.systemDefault()).format(STAMP);
    return Path.of("runs", settings.task().name() + "-" + stamp);
  }

  private TrainSettings settings() throws IOException {
    ObjectNode trainer = JsonNodeFactory.instance.objectNode();
    ObjectNode forTask = JsonNodeFactory.instance.objectNode();
    if (steps != null) {
      trainer.put("max_steps", steps);
    }
    if (epochs != null) {
      trainer.put("num_train_epochs", epochs);
    }
    if (batch != null) {
      trainer.put("batch_size", batch);
    }
    if (learningRate != null) {
      trainer.put("learning_rate", learningRate);
    }
    if (seed != null) {
      trainer.put("seed", seed);
      forTask.put("seed", seed);
    }
    if (threads != null) {
      trainer.put("threads", threads);
    }
    if (xla != null) {
      trainer.put("xla", xla);
    }
    TrainSettings.putData(forTask, data);
    return TrainSettings.read(config, task, overrides, trainer, forTask);
  }

  /** Trains, measures and exports. */
  private Integer finish(TrainingRun run, TrainingMessages messages) throws IOException {
    ModelDirectory directory = run.directory();
    int steps = run.config().steps();
    messages.info(
        "training in %s from step %s to %s; Ctrl-C stops it with a checkpoint"
            .formatted(directory.path(), run.state().step(), steps));
    if (!train(run, messages)) {
      return 1;
    }
    TrainingRun.Result result = run.finish();
    Results results = new Results(spec);
    if (result.stoppedEarly()) {
      results.print(
          Progress.earlyStop(run.state().step(), steps, run.state().best().orElseThrow()));
    }
    result
        .best()
        .ifPresent(
            measured ->
                results.print(
                    "the weights are those after step %s, the best on the validation examples"
                        .formatted(measured.step())));
    results.print(Report.table(result.report()));
    ExportOptions options = ExportOptions.savedModel();
    Path version = export(directory, options);
    results.print("model:      " + directory.path());
    results.print(ModelExporter.howToLoad(version, directory, options));
    return 0;
  }

  /** Exports the model, unless that was done before. */
  private static Path export(ModelDirectory directory, ExportOptions options) throws IOException {
    Optional<Path> there = ModelExporter.find(directory, directory.savedModel());
    return there.isPresent()
        ? there.get()
        : ModelExporter.export(directory, directory.savedModel(), options);
  }

  /**
   * Trains until the end, or until the process is asked to stop: then it stays until the checkpoint
   * is written and the user knows how to go on.
   */
  private boolean train(TrainingRun run, TrainingMessages messages) throws IOException {
    StopSignal signal = new StopSignal(run::requestStop);
    try {
      boolean finished;
      try (Progress progress =
          Progress.create(spec.commandLine(), run.state().step(), run.config())) {
        finished = run.train(progress);
      }
      if (!finished) {
        messages.info(
            "stopped at step %s; go on with: linformer train --resume %s"
                .formatted(run.state().step(), run.directory().path()));
      }
      return finished;
    } catch (IOException | UncheckedIOException | TFResourceExhaustedException | Error e) {
      spec.commandLine()
          .getErr()
          .println(
              ErrorMessage.line(
                  "the training ended at step %s; when the cause is mended, go on with: linformer train --resume %s"
                      .formatted(run.state().step(), run.directory().path())));
      throw e;
    } finally {
      signal.release();
    }
  }
}
