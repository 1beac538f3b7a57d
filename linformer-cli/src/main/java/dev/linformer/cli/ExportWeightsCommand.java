package dev.linformer.cli;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.convert.WeightExport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer export-weights}: the weights alone, for another package. */
@Command(
    name = "export-weights",
    description = "Writes a model's weights as another package's state dictionary.",
    footer = {
      "  linformer export-weights --to linformer-pytorch --model runs/model \\",
      "      --out model.safetensors"
    },
    mixinStandardHelpOptions = true)
final class ExportWeightsCommand implements Callable<Integer> {

  @Option(names = "--to", required = true, description = "The package: linformer-pytorch.")
  private String to = "";

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(names = "--out", required = true, description = "The .safetensors file to write.")
  private Path out = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    var notes = WeightExport.run(to, ModelDirectory.open(model), out);
    notes.forEach(note -> new ConsoleMessages(spec).info("note: " + note));
    OutputNotice.say(spec, out);
    return 0;
  }
}
