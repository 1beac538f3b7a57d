package dev.linformer.cli;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelSummary;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer summary}: layers, shapes, parameters. */
@Command(
    name = "summary",
    description = "Lists a model's layers, shapes and numbers of parameters.",
    mixinStandardHelpOptions = true)
final class SummaryCommand implements Callable<Integer> {

  @Option(names = "--config", required = true, description = "The model, as JSON.")
  private Path config = Path.of("");

  @Option(names = "--json", description = "For programs.")
  private boolean json;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    ModelSummary summary = ModelSummary.of(ModelConfig.read(config));
    spec.commandLine().getOut().println(json ? summary.toJson().toPrettyString() : summary.table());
    return 0;
  }
}
