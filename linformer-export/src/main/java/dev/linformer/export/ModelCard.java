package dev.linformer.export;

import com.fasterxml.jackson.databind.JsonNode;
import dev.linformer.export.ServingSignature.NamedOperand;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelSummary;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.tensorflow.ndarray.Shape;

/**
 * README.md of an export, a model card as the Hugging Face Hub shows it: what the model is, what it
 * learned from, how well, with which command, and how it is loaded. One model and one way to export
 * it give the same bytes.
 */
final class ModelCard {

  static final String NAME = "README.md";

  private final ServingGraph serving;
  private final ModelConfig config;
  private final String weightsDigest;
  private final Optional<TrainingRecord> training;
  private final List<String> lines = new ArrayList<>();

  private ModelCard(ServingGraph serving, String weightsDigest, Optional<TrainingRecord> training) {
    this.serving = serving;
    this.config = serving.config();
    this.weightsDigest = weightsDigest;
    this.training = training;
  }

  /**
   * The whole card.
   *
   * @param training how the model was trained, if that is known
   */
  static String text(
      ServingGraph serving, String weightsDigest, Optional<TrainingRecord> training) {
    ModelCard card = new ModelCard(serving, weightsDigest, training);
    card.addHead();
    card.addModel();
    card.addUse();
    training.ifPresentOrElse(
        of -> card.lines.addAll(TrainingCard.lines(of, card.config)), card::addNothingKnown);
    return String.join("\n", card.lines) + "\n";
  }

  private void add(String... more) {
    lines.addAll(List.of(more));
  }

  private void addTable(List<List<String>> rows) {
    lines.addAll(CardText.table(rows));
  }

  private String title() {
    String kind =
        switch (config.modelType()) {
          case LinformerClassifierConfig.TYPE -> "classifier";
          case LinformerLMConfig.TYPE -> "language model";
          case LinformerEncDecConfig.TYPE -> "encoder and decoder";
          default -> "encoder";
        };
    return "Linformer, " + kind + training.map(of -> ", trained for " + of.taskName()).orElse("");
  }

  /** What the Hub sorts models by. */
  private String pipeline() {
    if (config instanceof LinformerClassifierConfig) {
      return "text-classification";
    }
    if (config instanceof LinformerLMConfig language) {
      return language.stack().causal() ? "text-generation" : "fill-mask";
    }
    return config instanceof LinformerEncDecConfig ? "text2text-generation" : "feature-extraction";
  }

  private void addHead() {
    add("---", "library_name: linformer", "pipeline_tag: " + pipeline(), "tags:", "- linformer");
    serving.options().formats().forEach(format -> add("- " + format.key()));
    training
        .filter(of -> of.evaluation().path(TrainingCard.ACCURACY).isNumber() && !of.isOwnTask())
        .ifPresent(this::addIndex);
    add("---", "", "# " + CardText.markdown(title()), "");
  }

  /** Results, for programs. */
  private void addIndex(TrainingRecord of) {
    String data = of.files().isEmpty() ? of.taskName() : String.join(", ", of.files());
    add(
        "model-index:",
        "- name: " + CardText.yaml(title()),
        "  results:",
        "  - task:",
        "      type: " + pipeline(),
        "    dataset:",
        "      name: " + CardText.yaml(data),
        "      type: " + CardText.yaml(of.taskName()),
        "    metrics:");
    for (String metric : TrainingCard.METRICS) {
      JsonNode value = of.evaluation().path(metric);
      if (value.isNumber()) {
        add("    - type: " + metric, "      value: " + value.asText());
      }
    }
  }

  private void addModel() {
    add(
        "A model with the attention of the Linformer ([arXiv"
            + " 2006.04768](https://arxiv.org/abs/2006.04768)), whose time and memory grow with the"
            + " length of a sequence, not with its square. Written by Linformer for TensorFlow Java "
            + Library.version()
            + ".",
        "");
    List<LinformerConfig> stacks = config.stacks();
    List<List<String>> rows = new ArrayList<>();
    rows.add(stacks.size() == 1 ? List.of("", "") : List.of("", "encoder", "decoder"));
    rows.add(row("positions, n", stacks, LinformerConfig::sequenceLength));
    rows.add(
        row(
            "compressed to, k",
            stacks,
            stack -> stack.fullAttention() ? "full attention" : stack.projectedLength()));
    rows.add(row("channels", stacks, LinformerConfig::channels));
    rows.add(row("layers", stacks, LinformerConfig::depth));
    rows.add(row("heads", stacks, LinformerConfig::heads));
    rows.add(row("causal", stacks, stack -> stack.causal() ? "yes" : "no"));
    addTable(rows);
    add(
        "",
        "%s parameters, in %s. SHA-256 of the weights file: `%s`. All settings:"
                .formatted(
                    CardText.count(ModelSummary.of(config).parameters()),
                    serving.options().precision().key(),
                    weightsDigest)
            + " [config.json](%s).".formatted(Manifest.CONFIG),
        "");
  }

  private static List<String> row(
      String name, List<LinformerConfig> stacks, Function<LinformerConfig, Object> value) {
    List<String> row = new ArrayList<>(List.of(name));
    for (LinformerConfig stack : stacks) {
      Object shown = value.apply(stack);
      row.add(shown instanceof Integer number ? CardText.count(number) : shown.toString());
    }
    return row;
  }

  private void addUse() {
    add("## How to load it", "", "`.` stands for the folder of this file.", "", "```text");
    add(HowToLoad.text(".", config, serving.options()), "```", "");
    List<List<String>> rows = new ArrayList<>(List.of(List.of("signature", "takes", "gives")));
    for (ServingSignature signature : serving.signatures()) {
      rows.add(
          List.of(
              "`%s`".formatted(signature.name()),
              described(signature.inputs()),
              described(signature.outputs())));
    }
    addTable(rows);
    add("", "b is the number of sequences; m is any number of positions up to n.", "");
  }

  private static String described(Collection<NamedOperand> tensors) {
    return Manifest.entries(List.copyOf(tensors)).stream()
        .map(
            tensor ->
                "`%s` %s %s".formatted(tensor.name(), tensor.dtype(), letters(tensor.shape())))
        .collect(Collectors.joining(", "));
  }

  /** With letters for the sizes that are free: the first is the batch. */
  private static String letters(Shape shape) {
    return shape.toString().replace(" ", "").replaceFirst("\\[-1", "[b").replace("-1", "m");
  }

  private void addNothingKnown() {
    add(
        "## Training",
        "",
        "Nothing is known of it: the weights are fresh (`init`), come from a file (`import`) or were"
            + " trained by another program.");
  }
}
