package dev.linformer.cli;

import dev.linformer.model.convert.WeightImport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer import}: a model directory from another package's weights. */
@Command(
    name = "import",
    description = "Makes a model directory of the weights of a model in PyTorch.",
    footer = {
      "  linformer import --from linformer-pytorch --config model.json \\",
      "      --weights model.pt --out runs/model"
    },
    mixinStandardHelpOptions = true)
final class ImportCommand implements Callable<Integer> {

  @Option(
      names = "--from",
      required = true,
      description = "The package: linformer-pytorch, or linformer, lucidrains'.")
  private String from = "";

  @Option(
      names = "--config",
      required = true,
      description =
          "The model, as JSON: our keys, which are linformer-pytorch's; for linformer its"
              + " constructor's keywords.")
  private Path config = Path.of("");

  @Option(
      names = "--weights",
      required = true,
      description = "Its state dictionary: .safetensors, .npz, or .pt, .pth, .bin of torch.save.")
  private Path weights = Path.of("");

  @Option(names = "--out", required = true, description = "A new or empty folder.")
  private Path out = Path.of("");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    WeightImport.run(from, config, weights, out);
    OutputNotice.say(spec, out);
    return 0;
  }
}
