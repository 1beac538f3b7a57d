package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the command line is not given of tokens and classes, the data gives. */
class SizesOfDataTest {

  private static final List<String> SMALL =
      List.of("input_size=16", "channels=8", "dim_k=4", "dim_ff=8", "dropout=0");

  @TempDir static Path folder = Path.of("");
  private static Path text = Path.of("");
  private static Path table = Path.of("");

  @BeforeAll
  static void write() throws IOException {
    text =
        Files.writeString(folder.resolve("text.txt"), "one way through this house\n".repeat(200));
    StringBuilder rows = new StringBuilder("text,label\n");
    for (int i = 0; i < 60; i++) {
      rows.append("row ").append(i).append(',').append("abcd".charAt(i % 4)).append('\n');
    }
    table = Files.writeString(folder.resolve("rows.csv"), rows);
  }

  private static Cli train(String task, Object... more) {
    List<Object> all = new ArrayList<>(List.of("train", "--task", task, "--threads", 1));
    if (task.endsWith("lm") || task.equals("classify")) {
      all.addAll(List.of("--data", task.equals("classify") ? table : text));
    }
    SMALL.forEach(each -> all.addAll(List.of("--set", each)));
    if (task.equals("listops")) {
      all.addAll(List.of("--set", "task.num_train=100"));
    }
    all.addAll(Arrays.asList(more));
    return Cli.run(all.toArray());
  }

  private static void said(Cli cli, String line) {
    assertEquals(0, cli.code(), cli::toString);
    assertEquals(1, (cli.out() + cli.err()).lines().filter(line::equals).count(), cli::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "listops, 16 tokens and 10 classes of the task listops",
    "copy, '10 tokens: 8 symbols, a separator and a blank'",
    "causal-lm, 256 tokens of the tokenizer bytes",
    "masked-lm, 256 tokens of the tokenizer bytes and one that hides others",
    "classify, 256 tokens of the tokenizer bytes",
  })
  void eachTaskSaysWhereTheyComeFrom(String task, String line) {
    Cli cli = train(task, "--dry-run", "--batch", 4);
    said(cli, line);
    if (task.equals("classify")) {
      said(cli, "4 classes in " + table);
    }
  }

  @ParameterizedTest
  @CsvSource({"causal-lm, 50257", "masked-lm, 50258", "classify, 50257"})
  void anotherTokenizerHasOtherTokens(String task, int tokens) throws IOException {
    Path out = folder.resolve("gpt2-" + task);
    Cli cli =
        train(
            task,
            "--set",
            "task.tokenizer=gpt2",
            "--batch",
            2,
            "--steps",
            1,
            "--out",
            out,
            "--set",
            "training_args.eval_steps=0",
            "--set",
            task.equals("classify") ? "task.truncate=true" : "task.num_test=2");
    assertEquals(0, cli.code(), cli::toString);
    assertEquals(tokens, JsonObjectReader.read(out.resolve("config.json")).integer("num_tokens"));
  }

  @Test
  void fourLabelsAreFourClassesAlsoLater() throws IOException {
    Path out = folder.resolve("four");
    said(train("classify", "--steps", 2, "--batch", 4, "--out", out), "4 classes in " + table);
    assertEquals(4, JsonObjectReader.read(out.resolve("config.json")).integer("num_classes"));
    assertEquals(0, Cli.run("eval", "--model", out).code());
    Files.delete(out.resolve("model.safetensors")); // so that there is something to do
    Cli resumed = Cli.run("train", "--resume", out);
    said(resumed, "4 classes in " + table);
  }

  @Test
  void symbolsMakeTokens() {
    said(
        train("copy", "--dry-run", "--set", "task.symbols=20"),
        "22 tokens: 20 symbols, a separator and a blank");
  }

  /** More than is needed is what the user wants. */
  @Test
  void whatIsGivenStays() {
    said(
        train("classify", "--dry-run", "--batch", 4, "--set", "num_classes=9"),
        "4 classes in %s; the model has num_classes = 9".formatted(table));
  }

  @ParameterizedTest
  @CsvSource({
    "classify, num_classes=3, 'set num_classes to 4, or leave it out'",
    "classify, num_tokens=255, 'num_tokens = 255, but the tokenizer bytes has 256 tokens; set it to 256, or leave it out'",
    "causal-lm, num_tokens=255, 'but the task causal-lm has 256 tokens; set it to 256, or leave it out'",
    "masked-lm, num_tokens=256, 'but the task masked-lm has 257 tokens; set it to 257, or leave it out'",
    "copy, num_tokens=9, 'but the task copy has 10 tokens; set it to 10, or leave it out'",
    "listops, num_tokens=15, 'but the task listops has 16 tokens; set it to 16, or leave it out'",
    "listops, num_classes=9, 'num_classes = 9, but the task listops has 10 classes; set it to 10, or leave it out'",
  })
  void whatIsGivenAndDoesNotFitIsRefused(String task, String setting, String message) {
    Path out = folder.resolve("none");
    Cli cli = train(task, "--out", out, "--set", setting);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains(message), cli::err);
    assertFalse(Files.exists(out));
  }

  @Test
  void summaryShowsTheModelThatIsTrained() throws IOException {
    String model =
        """
        {"model_type": "classifier", "input_size": 16, "channels": 8, "dim_k": 4,
         "task": {"name": "classify"%s}}""";
    Path config = folder.resolve("summary.json");
    Files.writeString(config, model.formatted(", \"data\": \"%s\"".formatted(table)));
    String table4 = Cli.done("summary", "--config", config).out();
    assertTrue(table4.contains("[b, 4]"), table4);
    Files.writeString(config, model.formatted(""));
    assertEquals(table4, Cli.done("summary", "--config", config, "--data", table).out());
    Cli without = Cli.run("summary", "--config", config);
    assertEquals(2, without.code(), without::toString);
    assertTrue(without.err().contains("name one .csv or .tsv file with --data"), without::err);
    Files.writeString(
        config,
        """
        {"model_type": "lm", "input_size": 16, "channels": 8, "dim_k": 4, "causal": true,
         "task": {"name": "causal-lm", "tokenizer": "gpt2"}}""");
    String words = Cli.done("summary", "--config", config).out();
    assertTrue(words.contains("[b, 16, 50257]"), words);
  }
}
