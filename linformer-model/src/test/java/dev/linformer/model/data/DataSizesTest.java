package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.DataSizes;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens and classes of a model that come from the data. */
class DataSizesTest {

  private static final String CLASSIFIER =
      """
      {"model_type": "classifier", "input_size": 64, "channels": 8, "dim_k": 4%s}""";

  @TempDir private Path folder = Path.of("");

  private Task classify(String labels, String more) throws IOException {
    StringBuilder table = new StringBuilder("text,label\n");
    for (int i = 0; i < 40; i++) {
      String[] all = labels.split(" ", -1);
      table.append("row ").append(i).append(',').append(all[i % all.length]).append('\n');
    }
    Path file = Files.writeString(folder.resolve("rows.csv"), table);
    return Task.parse("{\"name\": \"classify\", \"data\": \"%s\"%s}".formatted(file, more), 64);
  }

  private static Task task(String name, String more) {
    return Task.parse("{\"name\": \"%s\"%s}".formatted(name, more), 64);
  }

  @Test
  void ofEachTask() throws IOException {
    assertEquals(new DataSizes(16, 10), task("listops", "").sizes());
    assertEquals(new DataSizes(10, 0), task("copy", "").sizes());
    assertEquals(new DataSizes(22, 0), task("copy", ", \"symbols\": 20").sizes());
    String text = ", \"data\": \"a.txt\""; // which need not be read
    String gpt2 = text + ", \"tokenizer\": \"gpt2\"";
    assertEquals(new DataSizes(256, 0), task("causal-lm", text).sizes());
    assertEquals(new DataSizes(257, 0), task("masked-lm", text).sizes());
    assertEquals(new DataSizes(50257, 0), task("causal-lm", gpt2).sizes());
    assertEquals(new DataSizes(50258, 0), task("masked-lm", gpt2).sizes());
    assertEquals(new DataSizes(256, 4), classify("north east south west", "").sizes());
    assertEquals(new DataSizes(50257, 2), classify("no yes", ", \"tokenizer\": \"gpt2\"").sizes());
  }

  /** Numbers are the classes themselves, so the largest one counts. */
  @Test
  void labelsThatAreNumbers() throws IOException {
    assertEquals(5, classify("0 1 4", "").sizes().classes());
    assertEquals(6, classify("1 2 3 4 5", "").sizes().classes());
    assertEquals(101, classify("10 20 30 40 50 60 70 80 90 100", "").sizes().classes());
    assertEquals(2, classify("-1 1", "").sizes().classes());
    Task years = classify("1999 2024", "");
    String message = Values.refusal(years::sizes);
    assertTrue(
        message.endsWith(
            "rows.csv, line 3: label 2024, but numbers count classes from 0, and there are only 2 labels; number them from 0, write words such as c2024, or set num_classes to 2025"),
        message);
    Task same = classify("7", "");
    message = Values.refusal(same::sizes);
    assertTrue(
        message.endsWith("rows.csv: every row has the label 7, but at least 2 labels are expected"),
        message);
  }

  /** Rows that are left out have no label; what cannot be read is said as ever. */
  @Test
  void theTableIsReadAsForTraining() throws IOException {
    Path file = folder.resolve("missing.csv");
    Files.writeString(file, "text,label\na,x\n,y\nb,z\n");
    String json = "{\"name\": \"classify\", \"data\": \"%s\"%s}";
    Task dropping = Task.parse(json.formatted(file, ", \"missing\": \"drop\""), 64);
    assertEquals(2, dropping.sizes().classes());
    Task refusing = Task.parse(json.formatted(file, ""), 64);
    String message = Values.refusal(refusing::sizes);
    assertTrue(message.contains("missing.csv, line 3: the text is empty; mend it"), message);
    Task absent = Task.parse(json.formatted(folder.resolve("absent.csv"), ""), 64);
    assertThrows(InvalidInputException.class, absent::sizes);
  }

  @Test
  void aConfigurationNeedNotGiveThem() throws IOException {
    DataSizes sizes = new DataSizes(300, 7);
    var taken = (LinformerClassifierConfig) ModelConfig.parse(CLASSIFIER.formatted(""), sizes);
    assertEquals(300, taken.vocabularySize());
    assertEquals(7, taken.classes());
    String both = CLASSIFIER.formatted(", \"num_tokens\": 500, \"num_classes\": 9");
    var given = (LinformerClassifierConfig) ModelConfig.parse(both, sizes);
    assertEquals(500, given.vocabularySize());
    assertEquals(9, given.classes());
    Path file =
        Files.writeString(
            folder.resolve("lm.json"),
            """
            {"model_type": "lm", "input_size": 64, "channels": 8, "dim_k": 4}""");
    var language = (LinformerLMConfig) ModelConfig.read(file, sizes);
    assertEquals(300, language.vocabularySize());
    assertEquals(
        file + ": key \"num_tokens\" is missing", Values.refusal(() -> ModelConfig.read(file)));
    assertEquals(
        "configuration: key \"num_classes\" is missing",
        Values.refusal(() -> ModelConfig.parse(CLASSIFIER.formatted(""), new DataSizes(300, 0))));
  }

  /** What was found is said, and what the model has where that is another number. */
  @Test
  void remarks() throws IOException {
    Task task = classify("north east south west", "");
    String file = task.sources().get(0).toString();
    ModelConfig model = ModelConfig.parse(CLASSIFIER.formatted(""), task.sizes());
    try (TaskData data = task.open(model)) {
      assertEquals(
          List.of("4 classes in " + file, "256 tokens of the tokenizer bytes"), data.remarks());
    }
    String more = CLASSIFIER.formatted(", \"num_tokens\": 500, \"num_classes\": 9");
    try (TaskData data = task.open(ModelConfig.parse(more))) {
      assertEquals(
          "4 classes in %s; the model has num_classes = 9".formatted(file), data.remarks().get(0));
    }
  }
}
