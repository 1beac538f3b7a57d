package dev.linformer.cli;

import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer eval}: metrics on data that training has not seen. */
@Command(
    name = "eval",
    description = "Measures a trained classifier on fresh examples of its task.",
    mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "A model directory from training.")
  private Path model = Path.of("");

  @Option(names = "--seed", description = "Of the examples; ${DEFAULT-VALUE} unless given.")
  private long seed = 20_000_003;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    TrainingRun run = TrainingRun.open(ModelDirectory.open(model));
    var splits = run.task().splits();
    var fresh = run.task().fresh(splits, seed);
    Report report = Report.measure(run.evaluate(fresh), splits.train(), fresh);
    spec.commandLine().getOut().println(report.table());
    return 0;
  }
}
