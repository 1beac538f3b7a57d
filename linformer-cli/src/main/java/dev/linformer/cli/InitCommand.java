package dev.linformer.cli;

import dev.linformer.export.InferenceGraph;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer init}: an untrained model directory. */
@Command(
    name = "init",
    description = "Makes a model directory with fresh weights.",
    footer = "  linformer init --config model.json --out runs/model",
    mixinStandardHelpOptions = true)
final class InitCommand implements Callable<Integer> {

  @Option(names = "--config", required = true, description = "The model, as JSON.")
  private Path config = Path.of("");

  @Option(names = "--out", required = true, description = "A new or empty folder.")
  private Path out = Path.of("");

  @Option(names = "--seed", description = "Of the weights; ${DEFAULT-VALUE} unless given.")
  private long seed = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    ModelConfig model = ModelConfig.read(config);
    TensorFlowLog.quiet(spec);
    ModelDirectory.create(
        out,
        directory -> {
          try (InferenceGraph inference = InferenceGraph.untrained(model, seed)) {
            inference.saveWeights(directory.weightsFile());
          }
          directory.writeConfig(model);
        });
    OutputNotice.say(spec, out);
    return 0;
  }
}
