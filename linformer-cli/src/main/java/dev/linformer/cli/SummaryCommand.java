package dev.linformer.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.bench.MemoryEstimate;
import dev.linformer.model.AttentionPlans;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelSummary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer summary}: layers, shapes, parameters, memory, order of products. */
@Command(
    name = "summary",
    description = "Lists a model's layers, shapes and numbers of parameters.",
    footer = {
      "  linformer summary --config model.json",
      "  linformer summary --config model.json --memory --batch 8"
    },
    mixinStandardHelpOptions = true)
final class SummaryCommand implements Callable<Integer> {

  @Option(
      names = "--config",
      required = true,
      description = "The model, as JSON; a training's configuration will do.")
  private Path config = Path.of("");

  @Option(
      names = "--data",
      arity = "1..*",
      paramLabel = "PATH",
      description =
          "Data of the configuration's task, which gives num_tokens and num_classes where they"
              + " aren't given.")
  private List<Path> data = List.of();

  @Option(names = "--json", description = "For programs.")
  private boolean json;

  @Option(names = "--memory", description = "Estimates a training step's memory at each level.")
  private boolean memory;

  @Option(
      names = "--batch",
      description = "Sequences of the step that --memory estimates; default ${DEFAULT-VALUE}.")
  private int batch = 1;

  @Option(names = "--plan", description = "Shows the order of each attention's products.")
  private boolean plan;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    ModelConfig model = TrainSettings.model(config, data);
    ModelSummary summary = ModelSummary.of(model);
    PrintWriter out = spec.commandLine().getOut();
    MemoryEstimate estimate = memory ? MemoryEstimate.of(model, batch) : null;
    AttentionPlans plans = plan ? AttentionPlans.of(model) : null;
    if (json) {
      ObjectNode all = summary.toJson();
      if (estimate != null) {
        all.set("memory", estimate.toJson());
      }
      if (plans != null) {
        all.set("attentions", plans.toJson());
      }
      out.println(all.toPrettyString());
    } else {
      out.println(summary.table());
      if (estimate != null) {
        out.printf("%n%s%n", estimate.table());
      }
      if (plans != null) {
        out.printf("%n%s%n", plans.table());
      }
    }
    return 0;
  }
}
