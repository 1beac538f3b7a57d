package dev.linformer.cli;

import dev.linformer.export.ExportFormat;
import dev.linformer.export.ModelExporter;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.JsonKeys;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.train.Trainer;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingState;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code linformer train}: from a configuration to a trained, measured and exported model. */
@Command(
    name = "train",
    description = {
      "Trains a classifier, measures it and exports it.",
      "Without options: ListOps with up to 128 tokens, in two or three minutes on two cores."
    },
    mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {

  private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  @Option(names = "--config", description = "The model, as JSON; a small one unless given.")
  private @Nullable Path config;

  @Option(names = "--task", description = "What to learn: listops.")
  private String task = ListOpsTask.NAME;

  @Option(names = "--out", description = "A new or empty folder; under runs/ unless given.")
  private @Nullable Path out;

  @Option(names = "--steps", description = "Updates; ${DEFAULT-VALUE} unless given.")
  private int steps = 6000;

  @Option(names = "--batch", description = "Sequences a step; ${DEFAULT-VALUE} unless given.")
  private int batch = 64;

  @Option(
      names = "--learning-rate",
      description = "The highest, after warm-up; ${DEFAULT-VALUE} unless given.")
  private double learningRate = 3e-3;

  @Option(
      names = "--seed",
      description =
          "Of data, weights and dropout; ${DEFAULT-VALUE} unless given. The same seed gives the same data and start; with --threads 1, the same weights to the last bit.")
  private long seed = 1;

  @Option(names = "--threads", description = "Threads that compute; 0, the default: one a core.")
  private int threads = 0;

  @Option(
      names = "--resume",
      description = "Goes on with the training in this folder, with its own settings.")
  private @Nullable Path resume;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    TrainingRun run = resume == null ? fresh() : resumed(resume);
    PrintWriter terminal = spec.commandLine().getOut();
    terminal.println("generating %s".formatted(run.task()));
    var splits = run.task().splits();
    Path checkpoints = run.directory().checkpoints();
    try (Trainer trainer =
        resume == null
            ? Trainer.start(run.model(), run.trainer(), checkpoints)
            : Trainer.resume(run.model(), run.trainer(), checkpoints)) {
      terminal.println(
          "training in %s from step %d to %d; Ctrl-C stops it with a checkpoint"
              .formatted(run.directory().path(), trainer.state().step(), run.trainer().steps()));
      if (!train(run, trainer, splits.train())) {
        return 1;
      }
      Report report =
          Report.measure(trainer.evaluate(splits.test()), splits.train(), splits.test());
      trainer.saveWeights(run.directory().weightsFile());
      run.writeState(trainer.state(), report);
      terminal.println(report.table());
    }
    Path version = ModelExporter.export(run.directory(), run.directory().savedModel());
    terminal.println("model:      " + run.directory().path());
    terminal.println(HowToLoad.text(version, Set.of(ExportFormat.SAVEDMODEL)));
    return 0;
  }

  private TrainingRun resumed(Path folder) {
    ParseResult given = spec.commandLine().getParseResult();
    for (String option :
        new String[] {
          "--config",
          "--task",
          "--out",
          "--steps",
          "--batch",
          "--learning-rate",
          "--seed",
          "--threads"
        }) {
      if (given.hasMatchedOption(option)) {
        throw new InvalidInputException(
            "--resume goes on with the settings in %s; leave out %s".formatted(folder, option));
      }
    }
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException("--resume %s: no such folder".formatted(folder));
    }
    return TrainingRun.open(new ModelDirectory(folder));
  }

  private TrainingRun fresh() throws IOException {
    if (!task.equals(ListOpsTask.NAME)) {
      throw new InvalidInputException(
          "--task %s: no such task; there is %s".formatted(task, ListOpsTask.NAME));
    }
    ModelConfig any = config == null ? defaultConfig() : ModelConfig.read(config);
    var model = TrainingRun.classifier(any, config == null ? "the default" : config.toString());
    int saveEvery = 500;
    TrainerConfig trainer =
        new TrainerConfig(
            steps,
            batch,
            learningRate,
            Math.min(100, steps / 10),
            0.01,
            1.0,
            50,
            saveEvery,
            2,
            seed,
            threads);
    ListOpsTask listOps = taskFor(model.encoder().sequenceLength());
    if (batch > listOps.train()) {
      throw new InvalidInputException(
          "--batch %d: at most %d is expected, the number of examples to train on"
              .formatted(batch, listOps.train()));
    }
    Path folder =
        out == null
            ? Path.of("runs", task + "-" + LocalDateTime.now(ZoneId.systemDefault()).format(STAMP))
            : out;
    TrainingRun run = new TrainingRun(ModelDirectory.create(folder), model, trainer, listOps);
    run.directory().writeConfig(model);
    run.writeState(TrainingState.START, null);
    return run;
  }

  private ListOpsTask taskFor(int inputSize) {
    try {
      return ListOpsTask.forInputSize(inputSize, seed);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "input_size = %d is too small for the task %s: %s"
              .formatted(inputSize, task, e.getMessage()),
          e);
    }
  }

  private static ModelConfig defaultConfig() throws IOException {
    return ModelConfig.parse(JsonKeys.resource(TrainCommand.class, "listops.json"));
  }

  /**
   * Trains until the end, or until the process is asked to stop: then it stays until the checkpoint
   * is written and the user knows how to go on.
   */
  private boolean train(TrainingRun run, Trainer trainer, List<Example> examples)
      throws IOException {
    StopSignal signal = new StopSignal(trainer::requestStop);
    try {
      boolean finished;
      try (Progress progress =
          Progress.create(spec.commandLine(), trainer.state().step(), trainer.config().steps())) {
        finished = trainer.train(examples, progress);
      }
      if (!finished) {
        run.writeState(trainer.state(), null);
        PrintWriter terminal = spec.commandLine().getOut();
        terminal.println(
            "stopped at step %d; go on with: linformer train --resume %s"
                .formatted(trainer.state().step(), run.directory().path()));
        terminal.flush();
      }
      return finished;
    } finally {
      signal.release();
    }
  }
}
