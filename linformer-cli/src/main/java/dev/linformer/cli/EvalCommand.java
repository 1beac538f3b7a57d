package dev.linformer.cli;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.train.TestReport;
import dev.linformer.model.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer eval}: metrics on data that training has not seen. */
@Command(
    name = "eval",
    description = "Measures a trained model on examples of its task that training never saw.",
    footer = "  linformer eval --model runs/copy",
    mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "A model directory from training.")
  private Path model = Path.of("");

  @Option(
      names = "--seed",
      description = "Of the examples of tasks that make them, listops and copy.")
  private @Nullable Long seed;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    OptionalLong given = seed == null ? OptionalLong.empty() : OptionalLong.of(seed);
    ModelDirectory directory = ModelDirectory.open(model);
    TensorFlowLog.quiet(spec, TensorFlowLog.threadsOf(directory));
    TestReport report = TrainingRun.evaluate(directory, null, given);
    spec.commandLine().getOut().println(Report.table(report));
    return 0;
  }
}
