package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Values;
import dev.linformer.model.data.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trainings of models whose tokens and classes come from the data, by the library. */
class SizesOfDataTest {

  private static final int N = 16;

  private static final String STACK =
      """
      {"input_size": 16, "channels": 8, "dim_k": 4, "dim_ff": 16, "nhead": 2, "causal": %s,
       "model_type": "%s"}""";

  @TempDir private Path folder = Path.of("");

  private Task task(String name) throws IOException {
    Path text =
        Files.writeString(folder.resolve("text.txt"), "one way through this house\n".repeat(60));
    StringBuilder rows = new StringBuilder("text,label\n");
    for (int i = 0; i < 40; i++) {
      rows.append("row ").append(i).append(',').append("abcd".charAt(i % 4)).append('\n');
    }
    Path table = Files.writeString(folder.resolve("rows.csv"), rows);
    String keys =
        switch (name) {
          case "listops" ->
              ", \"num_train\": 60, \"num_validation\": 10, \"num_test\": 10, \"max_length\": 17";
          case "copy" -> ", \"symbols\": 20, \"num_validation\": 10, \"num_test\": 10";
          case "classify" -> ", \"data\": \"%s\"".formatted(table);
          default -> ", \"data\": \"%s\", \"num_validation\": 2, \"num_test\": 2".formatted(text);
        };
    return Task.parse("{\"name\": \"%s\"%s}".formatted(name, keys), N);
  }

  @ParameterizedTest
  @CsvSource({
    "listops, 16, 10",
    "copy, 22, 0",
    "causal-lm, 256, 0",
    "masked-lm, 257, 0",
    "classify, 256, 4"
  })
  void trainsResumesAndMeasures(String name, int tokens, int classes) throws IOException {
    Task task = task(name);
    boolean classifier = classes > 0;
    String json = STACK.formatted(name.equals("causal-lm"), classifier ? "classifier" : "lm");
    Path path = folder.resolve("run");
    TrainerConfig config = Tiny.trainer(4, 2, 1);
    try (TrainingRun run =
        TrainingRun.create(path, ModelConfig.parse(json, task.sizes()), task, config)) {
      run.requestStop();
      assertFalse(run.train(TrainingListener.NONE));
      ObjectNode written = run.directory().config().toJson();
      assertEquals(tokens, written.path("num_tokens").intValue());
      assertEquals(classes, written.path("num_classes").intValue());
    }
    try (TrainingRun run = TrainingRun.resume(path)) {
      assertTrue(run.train(TrainingListener.NONE));
      assertTrue(run.finish().report().model().loss() > 0);
    }
  }

  @Test
  void whatIsGivenAndTooSmallIsRefused() throws IOException {
    Path path = folder.resolve("run");
    Task classify = task("classify");
    String json = STACK.formatted(false, "classifier").replace("}", ", %s}");
    ModelConfig tokens = ModelConfig.parse(json.formatted("\"num_tokens\": 200"), classify.sizes());
    assertEquals(
        "the model: num_tokens = 200, but the tokenizer bytes has 256 tokens; set it to 256, or leave it out",
        Values.refusal(
            () -> TrainingRun.create(path, tokens, classify, Tiny.trainer(4, 2, 1)).close()));
    ModelConfig classes = ModelConfig.parse(json.formatted("\"num_classes\": 3"), classify.sizes());
    assertEquals(
        "--data %s: 4 labels (a, b, c, d), but num_classes = 3; set num_classes to 4, or leave it out"
            .formatted(classify.sources().get(0)),
        Values.refusal(
            () -> TrainingRun.create(path, classes, classify, Tiny.trainer(4, 2, 1)).close()));
    assertFalse(Files.exists(path));
  }
}
