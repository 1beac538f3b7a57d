package dev.linformer.cli;

import dev.linformer.export.ModelExporter;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer export}: a SavedModel. */
@Command(
    name = "export",
    description = "Writes a SavedModel, signature serving_default, for other runtimes.",
    mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(
      names = "--out",
      required = true,
      description = "A new or empty folder, or a SavedModel, which is replaced.")
  private Path out = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    Path version = ModelExporter.export(ModelDirectory.open(model), out);
    spec.commandLine().getOut().println(HowToLoad.text(version));
    return 0;
  }
}
