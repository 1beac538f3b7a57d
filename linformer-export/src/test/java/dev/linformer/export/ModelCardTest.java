package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCardTest {

  private static final LinformerClassifierConfig CONFIG = Models.classifier(Pooling.MEAN);

  /** As a training writes it; names are the user's. */
  private static final String TRAINED =
      """
      {"global_step": 7,
       "training_args": {"max_steps": 7},
       "task": {"name": "classify", "data": ["/home/alice/secret/a|b`<b>é.csv"]},
       "data": {"rows": 1100, "crc32c": "0a1b2c3d",
                "labels": ["](http://x.y) <script>`z`|", "two\\nlines", "\\u202edaed", "*", "plain"]},
       "evaluation": {"examples": 110, "accuracy": 0.7909, "loss": 0.51234,
                      "majority_class_accuracy": 0.25}}
      """;

  @TempDir private Path folder = Path.of("");

  private ModelDirectory model = new ModelDirectory(Path.of(""));

  @BeforeEach
  void save() throws IOException {
    model = Models.save(CONFIG, 1, folder.resolve("model"));
  }

  private String card(ExportOptions options) throws IOException {
    Path version = ModelExporter.export(model, folder.resolve("export"), options);
    return Files.readString(version.resolve("README.md"));
  }

  private String card(String state) throws IOException {
    Files.writeString(model.trainerStateFile(), state);
    return card(ExportOptions.savedModel());
  }

  private static void assertHas(String card, String... lines) {
    List<String> all = card.lines().toList();
    for (String line : lines) {
      assertTrue(all.contains(line), line + " is not in\n" + card);
    }
  }

  @Test
  void ofAModelThatWasNotTrained() throws IOException {
    String card =
        card(ExportOptions.savedModel().withFormats(ExportFormat.SAVEDMODEL, ExportFormat.ONNX));
    assertTrue(card.startsWith("---\nlibrary_name: linformer\n"), card);
    assertHas(
        card,
        "pipeline_tag: text-classification",
        "- savedmodel",
        "- onnx",
        "# Linformer, classifier",
        "| positions, n | 11 |",
        "| compressed to, k | 7 |",
        "           model(tokens=tokens)[\"logits\"]  # tokens int32 [b,11]",
        "ONNX: ./onnx",
        "| `serving_default` | `tokens` int32 [b,11] | `logits` float32 [b,5] |");
    assertTrue(card.contains("Nothing is known of it"), card);
    assertTrue(card.contains("`" + Digests.of(model.weightsFile()) + "`"), card);
    assertFalse(card.contains("model-index") || card.contains("## Results"), card);
  }

  @Test
  void ofATrainedModel() throws IOException {
    String card = card(TRAINED);
    assertHas(
        card,
        "# Linformer, classifier, trained for classify",
        "| rows | 1,100 |",
        "| examples | 110 |",
        "| accuracy | 79.1 % |",
        "| loss, nats | 0.5123 |",
        "| majority class accuracy (a rule without a model) | 25.0 % |",
        "    - type: accuracy",
        "      value: 0.7909",
        "    linformer train --config recipe.json --out model");
    // Trained with its padding masked.
    assertTrue(card.contains("model(tokens=tokens, mask=mask)"), card);
    ObjectNode recipe = recipe(card);
    assertEquals("a|b`<b>é.csv", recipe.path("task").path("data").path(0).asText());
    assertEquals(7, recipe.path("training_args").path("max_steps").asInt());
    recipe.remove(List.of("task", "training_args"));
    assertEquals(CONFIG.toJson().toString(), recipe.toString());
  }

  private static ObjectNode recipe(String card) throws IOException {
    String start = "```json\n";
    int from = card.indexOf(start) + start.length();
    return (ObjectNode) new ObjectMapper().readTree(card.substring(from, card.lastIndexOf("```")));
  }

  /**
   * Nothing in a name becomes a link, an element, a cell, a line or another direction of writing.
   */
  @Test
  void namesOfUsersAreTextOnly() throws IOException {
    String card = card(TRAINED);
    assertHas(
        card,
        "      name: \"a|b`<b>é.csv\"",
        "| files | a\\|b\\`\\<b\\>é.csv |",
        "| 0 | \\]\\(http\\://x.y\\) \\<script\\>\\`z\\`\\| |",
        "| 1 | two\\\\nlines |",
        "| 2 | \\\\u202edaed |",
        "| 3 | \\* |",
        "| 4 | plain |");
    assertFalse(card.contains("alice") || card.contains("secret"), "where files lie is private");
  }

  @Test
  void ofAProgramsOwnTask() throws IOException {
    String card =
        card(
            """
            {"own_task": {"name": "heights"}, "training_args": {"max_steps": 7}, "data": {},
             "evaluation": {"examples": 40, "accuracy": 12.5, "loss": 3.25}}
            """);
    assertHas(
        card,
        "| accuracy | 12.5000 |",
        "| loss | 3.2500 |",
        "By a program of its own, whose task the command line doesn't know.");
    assertFalse(card.contains("model-index") || card.contains("```json"), card);
  }

  @Test
  void beforeTheTrainingHasEnded() throws IOException {
    String card =
        card("{\"training_args\": {\"max_steps\": 7}, \"task\": {\"name\": \"listops\"}}");
    assertHas(
        card, "Not measured: the training had not ended.", "| files | none: made from a seed |");
  }

  /** Another program's file of this name says nothing to us. */
  @Test
  void ofAnotherProgramsTraining() throws IOException {
    assertTrue(card("{\"global_step\": 3}").contains("Nothing is known of it"));
    Files.writeString(model.trainerStateFile(), "no JSON");
    ExportOptions fixed = ExportOptions.savedModel().withLengths(ExportOptions.Lengths.FIXED);
    assertTrue(card(fixed).contains("Nothing is known of it"));
  }

  @Test
  void twoExportsHaveOneCard() throws IOException {
    String first = card(TRAINED);
    assertEquals(first, card(ExportOptions.savedModel()));
    assertFalse(first.contains(folder.toString()), first);
  }

  @Test
  void isSealed() throws IOException {
    card(TRAINED);
    Path file = folder.resolve("export/1/README.md");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    InvalidInputException refusal =
        assertThrows(
            InvalidInputException.class,
            () -> ExportedLinformer.load(folder.resolve("export")).close());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains("README.md is not what was exported"), message);
  }

  /** Every line of the head is plain, or a text in quotes as JSON and YAML have it. */
  @Test
  void theHeadIsYaml() throws IOException {
    List<String> lines = card(TRAINED).lines().toList();
    List<String> head = lines.subList(1, lines.subList(1, lines.size()).indexOf("---") + 1);
    assertTrue(head.size() > 15, head::toString);
    for (String line : head) {
      String value = line.replaceFirst("^[ -]*[a-z_-]+:? ?", "");
      boolean plain = value.matches("[a-z0-9.-]*");
      assertTrue(plain || new ObjectMapper().readTree(value).isTextual(), line);
    }
    assertTrue(head.contains("model-index:"), () -> Arrays.toString(head.toArray()));
  }
}
