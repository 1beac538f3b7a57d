package dev.linformer.export;

import com.fasterxml.jackson.databind.JsonNode;
import dev.linformer.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The part of a model card that tells of the training: data, results, and the command. */
final class TrainingCard {

  static final String ACCURACY = "accuracy";
  private static final String LOSS = "loss";
  private static final String BITS = "bits_per_byte";
  private static final String EXAMPLES = "examples";
  private static final String LABELS = "labels";

  /** The model's own results, by their keys in trainer_state.json; others are of baselines. */
  static final List<String> METRICS = List.of(ACCURACY, LOSS, BITS);

  /** So many labels fit a page. */
  private static final int MOST_LABELS = 200;

  private final TrainingRecord training;
  private final ModelConfig config;
  private final List<String> lines = new ArrayList<>();

  private TrainingCard(TrainingRecord training, ModelConfig config) {
    this.training = training;
    this.config = config;
  }

  /** Lines of Markdown. */
  static List<String> lines(TrainingRecord training, ModelConfig config) {
    TrainingCard card = new TrainingCard(training, config);
    card.addAll();
    return card.lines;
  }

  private void add(String... more) {
    lines.addAll(List.of(more));
  }

  private void addTable(List<List<String>> rows) {
    lines.addAll(CardText.table(rows));
    add("");
  }

  private void addAll() {
    addData();
    addResults();
    add("## Training", "");
    training
        .recipe(config)
        .ifPresentOrElse(
            recipe ->
                add(
                    "This command trains such a model, with the JSON below as recipe.json"
                        + (training.files().isEmpty() ? "" : " and the data where it is run")
                        + "; on one thread (`training_args.threads` 1) on the same kind of machine,"
                        + " the same to the last bit:",
                    "",
                    "    linformer train --config recipe.json --out model",
                    "",
                    "```json",
                    CardText.json(recipe),
                    "```"),
            () ->
                add(
                    training.isOwnTask()
                        ? "By a program of its own, whose task the command line doesn't know."
                        : "With settings that trainer\\_state.json doesn't tell."));
  }

  private void addData() {
    List<List<String>> rows = new ArrayList<>(List.of(List.of("", "")));
    rows.add(List.of("task", CardText.markdown(training.taskName())));
    rows.add(
        List.of(
            "files",
            training.files().isEmpty()
                ? "none: made from a seed"
                : training.files().stream()
                    .map(CardText::markdown)
                    .collect(Collectors.joining(", "))));
    for (Map.Entry<String, JsonNode> each : training.data().properties()) {
      JsonNode value = each.getValue();
      if (value.isValueNode()) {
        rows.add(
            List.of(
                words(each.getKey()),
                value.isIntegralNumber()
                    ? CardText.count(value.longValue())
                    : CardText.markdown(value.asText())));
      }
    }
    add("## Data", "");
    addTable(rows);
    JsonNode labels = training.data().path(LABELS);
    if (labels.isArray() && !labels.isEmpty()) {
      List<List<String>> classes = new ArrayList<>(List.of(List.of("class", "label")));
      for (int i = 0; i < Math.min(MOST_LABELS, labels.size()); i++) {
        classes.add(List.of(Integer.toString(i), CardText.markdown(labels.get(i).asText())));
      }
      addTable(classes);
      if (labels.size() > MOST_LABELS) {
        add("The first %s of %s labels.".formatted(MOST_LABELS, CardText.count(labels.size())), "");
      }
    }
  }

  private void addResults() {
    add("## Results", "");
    if (training.evaluation().isEmpty()) {
      add("Not measured: the training had not ended.", "");
      return;
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("on examples that the training never saw", ""));
    for (Map.Entry<String, JsonNode> each : training.evaluation().properties()) {
      String key = each.getKey();
      if (each.getValue().isNumber()) {
        boolean model = key.equals(EXAMPLES) || METRICS.contains(key);
        String name =
            key.equals(EXAMPLES) && training.evaluation().has(BITS)
                ? "tokens"
                : words(key) + (model ? "" : " (a rule without a model)");
        rows.add(List.of(name + unit(key), result(key, each.getValue().doubleValue())));
      }
    }
    addTable(rows);
  }

  private static String words(String key) {
    return CardText.markdown(key.replace('_', ' '));
  }

  private String unit(String key) {
    return key.endsWith(LOSS) && !training.isOwnTask() ? ", nats" : "";
  }

  private String result(String key, double value) {
    if (key.equals(EXAMPLES)) {
      return CardText.count(Math.round(value));
    }
    boolean share = key.endsWith(ACCURACY) && !training.isOwnTask(); // theirs may be any number
    return share
        ? String.format(Locale.ROOT, "%.1f %%", 100 * value)
        : String.format(Locale.ROOT, "%.4f", value);
  }
}
