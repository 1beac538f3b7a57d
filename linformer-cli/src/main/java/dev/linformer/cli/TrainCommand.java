package dev.linformer.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.export.ExportOptions;
import dev.linformer.export.ModelExporter;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.BatchSizes;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.train.EventLog;
import dev.linformer.model.train.InputPipelineTiming;
import dev.linformer.model.train.RunLog;
import dev.linformer.model.train.Trainer;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingListener;
import dev.linformer.model.train.TrainingLock;
import dev.linformer.runtime.Devices;
import java.io.IOException;
import java.io.PrintWriter;
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
    mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {

  private static final int MOST_TIMED = 1_000_000;
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

  @Option(names = "--steps", description = "Updates; 6000 unless given.")
  private @Nullable Integer steps;

  @Option(names = "--batch", description = "Sequences a step; 64 unless given.")
  private @Nullable Integer batch;

  @Option(
      names = "--learning-rate",
      description = "The highest, after warm-up; 0.003 unless given.")
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
    if (resume != null) {
      TrainingRun run = toResume(resume);
      try (TrainingLock lock = TrainingLock.take(run.directory())) {
        tell(lock, resume);
        try (TaskData examples = openData(run)) {
          return finish(run, examples);
        }
      }
    }
    TrainSettings settings = settings();
    if (timeFeeding != null) {
      return timeFeeding(settings, timeFeeding);
    }
    return dryRun ? tryOut(settings) : start(settings);
  }

  private TrainingRun toResume(Path folder) {
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
    return TrainingRun.open(new ModelDirectory(folder));
  }

  private void tell(TrainingLock lock, Path folder) {
    lock.failure()
        .ifPresent(
            reason ->
                warn(
                    "%s cannot be locked (%s): start no other training there"
                        .formatted(folder, reason)));
  }

  private TaskData openData(TrainingRun run) throws IOException {
    return prepared(run.task().name(), run::openData);
  }

  /** Reads or makes examples. */
  private interface Source {
    TaskData open() throws IOException;
  }

  private TaskData prepared(String name, Source source) throws IOException {
    say("preparing the data of the task %s".formatted(name));
    TaskData examples = source.open();
    examples.remarks().forEach(this::say);
    return examples;
  }

  private TaskData prepared(TrainSettings settings) throws IOException {
    return prepared(settings.task().name(), () -> settings.task().open(settings.model()));
  }

  private TrainSettings settings() throws IOException {
    ObjectNode trainer = JsonNodeFactory.instance.objectNode();
    ObjectNode forTask = JsonNodeFactory.instance.objectNode();
    if (steps != null) {
      trainer.put("max_steps", steps);
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
    if (!data.isEmpty()) {
      ArrayNode paths = forTask.putArray("data");
      data.forEach(path -> paths.add(path.toAbsolutePath().toString()));
    }
    return TrainSettings.read(config, task, overrides, trainer, forTask);
  }

  private Integer timeFeeding(TrainSettings settings, int number) throws IOException {
    if (number < 1 || number > MOST_TIMED) {
      String wanted = number < 1 ? "at least 1" : "at most " + MOST_TIMED;
      throw new InvalidInputException(
          "--time-feeding %d, but %s is expected".formatted(number, wanted));
    }
    if (out != null || dryRun) {
      throw new InvalidInputException(
          "--time-feeding writes nothing; leave out --out and --dry-run");
    }
    try (TaskData examples = prepared(settings)) {
      InputPipelineTiming found =
          InputPipelineTiming.measure(
              settings.model(), settings.task().objective(), settings.trainer(), examples, number);
      say(
          String.format(
              Locale.ROOT,
              "a step, median of %d: fed %.3f ms, resident %.3f ms (%+.1f %%); waiting for data"
                  + " %.3f ms on average",
              number,
              found.fedMillis(),
              found.residentMillis(),
              100 * (found.fedMillis() / found.residentMillis() - 1),
              found.waitedMillis()));
    }
    return 0;
  }

  private Integer tryOut(TrainSettings settings) throws IOException {
    if (out != null) {
      throw new InvalidInputException("--dry-run writes nothing; leave out --out");
    }
    Path nowhere = Path.of("dry-run");
    try (TaskData examples = prepared(settings);
        Trainer trainer =
            Trainer.start(
                settings.model(), settings.task().objective(), settings.trainer(), nowhere)) {
      TrainingListener.StepReport report = trainer.dryRun(examples);
      say(
          String.format(
              Locale.ROOT,
              "dry run: loss %.4f, gradients' norm %.4f, %,d tokens a step, %,d steps; nothing is"
                  + " written",
              report.loss(),
              report.gradientNorm(),
              report.tokens(),
              report.steps()));
    }
    return 0;
  }

  private Integer start(TrainSettings settings) throws IOException {
    Path folder =
        out == null
            ? Path.of(
                "runs",
                settings.task().name()
                    + "-"
                    + LocalDateTime.now(ZoneId.systemDefault()).format(STAMP))
            : out;
    TrainerConfig trainer = settings.trainer();
    if (Boolean.TRUE.equals(trainer.kernels())) {
      Devices.kernels(Devices.compile(trainer.xla()), true); // refused before anything is written
    }
    requireApart(folder, settings);
    BatchSizes.require(settings.model(), trainer.batchSize(), Devices.compile(trainer.xla()));
    boolean existed = Files.exists(folder);
    try (TrainingLock lock = TrainingLock.take(ModelDirectory.create(folder))) {
      tell(lock, folder);
      ModelDirectory directory = ModelDirectory.create(folder); // nobody was faster
      TaskData examples = null;
      TrainingRun run;
      try {
        examples = prepared(settings);
        examples.train(0, trainer.batchSize()); // a batch that is too large is said now
        run = TrainingRun.create(directory, settings, examples);
      } catch (IOException | RuntimeException | Error e) {
        if (examples != null) {
          examples.close();
        }
        directory.takeBack(existed);
        throw e;
      }
      try (TaskData closing = examples) {
        return finish(run, closing);
      }
    }
  }

  /** What a run writes must not become part of the texts that it reads. */
  private static void requireApart(Path folder, TrainSettings settings) throws IOException {
    Path there = folder.toAbsolutePath().normalize();
    while (there.getParent() != null && !Files.exists(there)) {
      there = there.getParent();
    }
    for (JsonNode each : settings.task().toJson().path("data")) {
      Path data = Path.of(each.asText());
      if (Files.isDirectory(data) && there.toRealPath().startsWith(data.toRealPath())) {
        throw new InvalidInputException(
            "the training's folder %s would lie in --data %s and become part of it; name another with --out"
                .formatted(folder, data));
      }
    }
  }

  /** Trains, measures and exports. */
  private Integer finish(TrainingRun run, TaskData examples) throws IOException {
    ModelDirectory directory = run.directory();
    try (Trainer trainer =
        Trainer.resume(
            run.model(), run.task().objective(), run.trainer(), directory.checkpoints())) {
      trainer.notices().forEach(this::warn);
      run.requireCheckpoint(trainer.state());
      say(
          "training in %s from step %d to %d; Ctrl-C stops it with a checkpoint"
              .formatted(directory.path(), trainer.state().step(), run.trainer().steps()));
      if (!train(run, trainer, examples)) {
        return 1;
      }
      var best = trainer.loadBest();
      if (!best.equals(trainer.state().best())) {
        warn("the checkpoint of the best measurement cannot be used any more");
      }
      var heldOut = examples.test(run.trainer().batchSize());
      Report report = new Report(trainer.evaluate(heldOut.batches()), heldOut);
      trainer.saveWeights(directory.weightsFile());
      run.writeState(trainer.state(), examples, report);
      if (trainer.stoppedEarly()) {
        say(
            Progress.earlyStop(
                trainer.state().step(),
                run.trainer().steps(),
                trainer.state().best().orElseThrow()));
      }
      best.ifPresent(
          measured ->
              say(
                  "the weights are those after step %d, the best on the validation examples"
                      .formatted(measured.step())));
      say(report.table());
    }
    ExportOptions options = ExportOptions.savedModel();
    Path version = ModelExporter.export(directory, directory.savedModel(), options);
    say("model:      " + directory.path());
    say(HowToLoad.text(version, directory, options));
    return 0;
  }

  private void warn(String line) {
    PrintWriter terminal = spec.commandLine().getErr();
    terminal.println(Complaint.line(line));
    terminal.flush();
  }

  private void say(String line) {
    PrintWriter terminal = spec.commandLine().getOut();
    line.lines().map(Complaint::line).forEach(terminal::println);
    terminal.flush();
  }

  /**
   * Trains until the end, or until the process is asked to stop: then it stays until the checkpoint
   * is written and the user knows how to go on.
   */
  private boolean train(TrainingRun run, Trainer trainer, TaskData examples) throws IOException {
    ModelDirectory directory = run.directory();
    int step = trainer.state().step();
    StopSignal signal = new StopSignal(trainer::requestStop);
    try {
      boolean finished;
      try (RunLog lines = RunLog.open(directory.logFile(), step);
          EventLog events = EventLog.open(directory.path(), step, run.trainer().logEvery());
          Progress progress = Progress.create(spec.commandLine(), step, run.trainer().steps())) {
        finished = trainer.train(examples, TrainingListener.all(List.of(lines, events, progress)));
      }
      if (!finished) {
        run.writeState(trainer.state(), examples, null);
        say(
            "stopped at step %d; go on with: linformer train --resume %s"
                .formatted(trainer.state().step(), directory.path()));
      }
      return finished;
    } catch (IOException | UncheckedIOException | TFResourceExhaustedException | Error e) {
      spec.commandLine()
          .getErr()
          .println(
              Complaint.line(
                  "the training ended at step %d; when the cause is mended, go on with: linformer train --resume %s"
                      .formatted(trainer.state().step(), directory.path())));
      throw e;
    } finally {
      signal.release();
    }
  }
}
