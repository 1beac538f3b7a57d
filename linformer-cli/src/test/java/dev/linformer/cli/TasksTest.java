package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.ExportedLinformer;
import dev.linformer.export.Generator;
import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.ComputePrecision;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small trainings of every task, along the command line. */
class TasksTest {

  /** n = 29, c = 14, k = 5. */
  private static final List<String> SMALL =
      List.of(
          "--set",
          "input_size=29",
          "--set",
          "channels=14",
          "--set",
          "dim_k=5",
          "--set",
          "dim_ff=13",
          "--set",
          "method=learnable", // 29 is no multiple of 5, which windows need
          "--threads",
          "1");

  @TempDir static Path folder = Path.of("");
  private static Path text = Path.of("");
  private static Path causal = Path.of("");

  @BeforeAll
  static void train() throws IOException {
    text =
        Files.writeString(
            folder.resolve("text.txt"),
            "A tensor goes one way through this house — “n” to k, k to n.\n".repeat(97));
    causal = folder.resolve("causal");
    done(
        "--task",
        "causal-lm",
        "--data",
        text,
        "--steps",
        40,
        "--batch",
        7,
        "--learning-rate",
        0.02,
        "--out",
        causal);
  }

  private static Cli done(Object... more) {
    return Cli.done(arguments(more));
  }

  private static Object[] arguments(Object... more) {
    Object[] all = Arrays.copyOf(new Object[] {"train"}, 1 + SMALL.size() + more.length);
    System.arraycopy(SMALL.toArray(), 0, all, 1, SMALL.size());
    System.arraycopy(more, 0, all, 1 + SMALL.size(), more.length);
    return all;
  }

  private static JsonNode state(Path run) throws IOException {
    return new ObjectMapper().readTree(run.resolve("trainer_state.json").toFile());
  }

  /** Nothing leaks: what the whole pass is scored on, a model without a future is scored alike. */
  @Test
  void decodingTokenByTokenHasTheLossOfTheWholePass() throws IOException {
    double loss = 0;
    int targets = 0;
    ModelDirectory directory = ModelDirectory.open(causal);
    try (TaskData data = Task.of(directory).orElseThrow().open(directory.config())) {
      for (Batch batch : data.test(7).batches()) {
        for (int row = 0; row < batch.size(); row++) {
          try (Generator generator = Generator.load(directory)) {
            for (int i = row * 29; i < (row + 1) * 29; i++, targets++) {
              loss += crossEntropy(generator.next(batch.tokens()[i]), batch.targets()[i]);
            }
          }
        }
      }
    }
    JsonNode evaluation = state(causal).get("evaluation");
    assertEquals(evaluation.get("examples").intValue(), targets);
    assertEquals(evaluation.get("loss").doubleValue(), loss / targets, 1e-5);
    double bits = evaluation.get("bits_per_byte").doubleValue();
    assertEquals(loss / targets / Math.log(2), bits, 1e-4);
    assertTrue(bits < evaluation.get("unigram_loss").doubleValue() / Math.log(2) - 0.5, "" + bits);
  }

  private static double crossEntropy(float[] logits, int target) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return Math.log(sum) + max - logits[target];
  }

  @Test
  void aTrainedLanguageModelGeneratesAndIsMeasuredAgain() throws IOException {
    String generated =
        Cli.done("generate", "--model", causal, "--prompt", "A te", "--max-tokens", 9).out();
    assertTrue(generated.startsWith("A te"), generated);
    Object[] more = {"generate", "--model", causal, "--prompt", "A te", "--max-tokens", 50};
    Cli full = Cli.run(more);
    assertEquals(0, full.code(), full::toString);
    assertEquals(
        "stopped after 26 of 50 tokens: the model reads input_size = 29 at most, the prompt among"
            + " them; --sliding-window goes on",
        full.err().strip());
    List<Object> sliding = new ArrayList<>(List.of(more));
    sliding.add("--sliding-window");
    String longer = Cli.done(sliding.toArray()).out();
    assertTrue(longer.startsWith(full.out().substring(0, 15)), longer);
    assertTrue(longer.length() > full.out().length(), longer);
    String report = Cli.done("eval", "--model", causal).out();
    assertTrue(report.matches("(?s)held-out tokens +\\d+\\nbits a byte, this model .*"), report);
    Cli seeded = Cli.run("eval", "--model", causal, "--seed", 3);
    assertEquals(2, seeded.code());
    assertTrue(seeded.err().contains("--seed: the task causal-lm is measured on the end"));
  }

  @Test
  void theLogHasALineAStepAndTheEvaluations() throws IOException {
    List<String> lines = Files.readAllLines(causal.resolve("log.jsonl"));
    ObjectMapper json = new ObjectMapper();
    int step = 0;
    for (String line : lines) {
      JsonNode node = json.readTree(line);
      if (node.has("loss")) {
        assertEquals(++step, node.get("step").intValue());
      } else {
        assertTrue(node.get("eval_loss").doubleValue() > 0, line);
      }
    }
    assertEquals(40, step);
    assertEquals(41, lines.size()); // eval_steps = 200: at the end
  }

  @Test
  void gpt2TokensTrainAndGenerate() throws IOException {
    Path run = folder.resolve("gpt2");
    String told =
        done(
                "--task",
                "causal-lm",
                "--data",
                text,
                "--set",
                "emb_dim=6",
                "--set",
                "task.tokenizer=gpt2",
                "--set",
                "task.num_test=3",
                "--set",
                "task.num_validation=3",
                "--steps",
                2,
                "--batch",
                2,
                "--out",
                run)
            .out();
    assertTrue(told.contains("bits a byte, this model"), told);
    Cli.done("generate", "--model", run, "--prompt", "A tensor", "--max-tokens", 3);
  }

  @Test
  void maskedModelsTrain() throws IOException {
    Path run = folder.resolve("masked");
    done("--task", "masked-lm", "--data", text, "--steps", 20, "--batch", 7, "--out", run);
    JsonNode evaluation = state(run).get("evaluation");
    assertTrue(evaluation.get("loss").doubleValue() < Math.log(256), evaluation::toString);
    assertEquals(state(run).get("data").get("bytes").longValue(), Files.size(text));
  }

  @Test
  void copyIsLearnt() throws IOException {
    Path run = folder.resolve("copy");
    Cli.done(
        "train",
        "--task",
        "copy",
        "--steps",
        150,
        "--out",
        run,
        "--set",
        "input_size=15",
        "--set",
        "dim_k=15",
        "--set",
        "training_args.learning_rate=0.01");
    JsonNode evaluation = state(run).get("evaluation");
    assertEquals(0.125, evaluation.get("chance_accuracy").doubleValue());
    assertTrue(evaluation.get("accuracy").doubleValue() > 0.9, evaluation::toString);
    assertTrue(Cli.done("eval", "--model", run, "--seed", 3).out().contains("accuracy, a guess"));
  }

  @Test
  void tablesAreClassified() throws IOException {
    StringBuilder table = new StringBuilder("text\tlabel\n");
    for (int i = 0; i < 200; i++) {
      table.append(i % 2 == 0 ? "sunny day " : "rainy day ").append(i);
      table.append(i % 2 == 0 ? "\tgood\n" : "\tbad\n");
    }
    Path file = Files.writeString(folder.resolve("weather.tsv"), table);
    Path run = folder.resolve("weather");
    String told =
        done(
                "--task",
                "classify",
                "--data",
                file,
                "--steps",
                100,
                "--batch",
                16,
                "--learning-rate",
                0.01,
                "--out",
                run)
            .out();
    JsonNode state = state(run);
    assertEquals("[\"bad\",\"good\"]", state.get("data").get("labels").toString());
    assertTrue(state.get("evaluation").get("accuracy").doubleValue() > 0.9, told);
    assertTrue(told.contains("the weights are those after step 100"), told);
    Files.writeString(file, table.append("snowy day\tgood\n"));
    Cli changed = Cli.run("eval", "--model", run);
    assertEquals(2, changed.code());
    assertTrue(
        changed.err().contains("the data changed since the training in " + run), changed::err);
  }

  /** Texts of 5 to 29 tokens: what training measured, every way to the model computes. */
  @Test
  void whatWasTrainedBehindAMaskIsComputedBehindIt() throws IOException {
    StringBuilder table = new StringBuilder("text,label\n");
    for (int i = 0; i < 200; i++) {
      table.append(i % 2 == 0 ? "sun" : "fog").append(" ".repeat(i % 23)).append(i % 10);
      table.append(i % 2 == 0 ? "!,good\n" : "!,bad\n");
    }
    Path file = Files.writeString(folder.resolve("short.csv"), table);
    Path run = folder.resolve("short");
    String told =
        done(
                "--task",
                "classify",
                "--data",
                file,
                "--steps",
                30,
                "--batch",
                16,
                "--learning-rate",
                0.01,
                "--out",
                run)
            .out();
    Path saved = run.resolve("saved_model");
    assertTrue(
        told.contains(
            "model(tokens=tokens, mask=mask)[\"logits\"]  # tokens int32 [b,29], mask bool [b,29],"
                + " true at real positions"),
        told);
    assertTrue(told.contains("model.logits(sequences) // int[][]"), told);
    Path out = folder.resolve("short-export");
    assertTrue(
        Cli.done("export", "--model", run, "--out", out).out().contains("mask=mask"), "export");
    JsonNode evaluation = state(run).get("evaluation");
    int examples = evaluation.get("examples").intValue();
    int[] tokens = new int[examples * 29];
    byte[] mask = new byte[tokens.length];
    int[] targets = new int[examples];
    int[][] sequences = new int[examples][];
    ModelDirectory directory = ModelDirectory.open(run);
    try (TaskData data = Task.of(directory).orElseThrow().open(directory.config())) {
      Batch batch = data.test(examples).batches().iterator().next();
      System.arraycopy(batch.tokens(), 0, tokens, 0, tokens.length);
      System.arraycopy(batch.targets(), 0, targets, 0, examples);
      for (int row = 0; row < examples; row++) {
        int from = row * 29;
        int length = batch.lengths()[row];
        sequences[row] = Arrays.copyOfRange(tokens, from, from + length);
        Arrays.fill(mask, from, from + length, (byte) 1);
      }
    }
    float[] logits;
    try (ExportedLinformer exported = ExportedLinformer.load(saved);
        ExportedLinformer again = ExportedLinformer.load(out)) {
      logits = exported.logits(sequences);
      assertArrayEquals(logits, again.logits(sequences));
    }
    assertEquals(evaluation.get("accuracy").doubleValue(), accuracy(logits, targets), 1e-9);
    assertEquals(evaluation.get("loss").doubleValue(), loss(logits, targets), 1e-5);
    String shape = "(%s, 29)".formatted(examples);
    Path input = Fixtures.ints(folder.resolve("short.npy"), shape, tokens);
    Path real = Fixtures.npy(folder.resolve("real.npy"), "|b1", shape, mask);
    Path answer = folder.resolve("answer.npy");
    Object[] predict = {"predict", "--model", run, "--input", input, "--output", answer};
    Cli refused = Cli.run(predict);
    assertEquals(2, refused.code(), refused::toString);
    assertTrue(
        refused.err().contains("this model was trained with its padding masked; give --mask"),
        refused::err);
    assertFalse(Files.exists(answer));
    List<Object> masked = new ArrayList<>(List.of(predict));
    masked.addAll(List.of("--mask", real));
    Cli.done(masked.toArray());
    assertArrayEquals(logits, NpyFile.read(answer).floats(), 1e-5f);
    Arrays.fill(mask, (byte) 1);
    Fixtures.npy(real, "|b1", shape, mask);
    Cli.done(masked.toArray());
    assertTrue(
        Math.abs(logits[0] - NpyFile.read(answer).floats()[0]) > 1e-3, "the mask changes nothing");
  }

  private static double accuracy(float[] logits, int[] targets) {
    int right = 0;
    for (int row = 0; row < targets.length; row++) {
      right += (logits[2 * row + 1] > logits[2 * row] ? 1 : 0) == targets[row] ? 1 : 0;
    }
    return (double) right / targets.length;
  }

  private static double loss(float[] logits, int[] targets) {
    double loss = 0;
    for (int row = 0; row < targets.length; row++) {
      loss += crossEntropy(Arrays.copyOfRange(logits, 2 * row, 2 * row + 2), targets[row]);
    }
    return loss / targets.length;
  }

  @Test
  void rowsThatAreLeftOutAreSaid() throws IOException {
    StringBuilder table = new StringBuilder("text,label\n");
    for (int i = 0; i < 40; i++) {
      table.append("day ").append(i).append(i == 3 ? ",\n" : i % 2 == 0 ? ",good\n" : ",bad\n");
    }
    Path file = Files.writeString(folder.resolve("holes.csv"), table);
    List<Object> asked =
        List.of("--task", "classify", "--data", file, "--batch", 4, "--dry-run", "--set");
    List<Object> dropping = new ArrayList<>(asked);
    dropping.add("task.missing=drop");
    Cli told = done(dropping.toArray());
    assertTrue(
        told.err()
            .contains(
                "left out 1 of 40 rows, whose text or label is missing\n2 classes in " + file),
        told::err);
    assertTrue(told.out().startsWith("dry run: "), told::out);
    List<Object> refusing = new ArrayList<>(asked);
    refusing.add("task.missing=refuse");
    Cli refused = Cli.run(arguments(refusing.toArray()));
    assertEquals(2, refused.code());
    assertTrue(refused.err().contains(", line 5: the label is empty; mend it"), refused::err);
  }

  @Test
  void aFileSetsEverythingAndOptionsOverrideIt() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("all.json"),
            """
            {"model_type": "lm", "input_size": 29, "channels": 14, "dim_k": 7, "nhead": 2,
             "causal": true, "num_tokens": 256,
             "training_args": {"max_steps": 9, "batch_size": 5, "optim": "sgd", "momentum": 0.5,
               "learning_rate": 0.1, "lr_scheduler_type": "cosine", "seed": 11},
             "task": {"name": "causal-lm", "num_test": 2}}\
            """);
    Path run = folder.resolve("all");
    Cli.done(
        "train",
        "--config",
        config,
        "--data",
        text,
        "--set",
        "dim_k=5",
        "--set",
        "training_args.batch_size=3",
        "--steps",
        2,
        "--out",
        run);
    JsonNode state = state(run);
    JsonNode settings = state.get("training_args");
    assertEquals(2, settings.get("max_steps").intValue());
    assertEquals(3, settings.get("batch_size").intValue());
    assertEquals("sgd", settings.get("optim").textValue());
    assertEquals(0.5, settings.get("momentum").doubleValue());
    assertEquals("cosine", settings.get("lr_scheduler_type").textValue());
    assertEquals(11, settings.get("seed").intValue());
    assertEquals(11, state.get("task").get("seed").intValue());
    assertEquals(2, state.get("task").get("num_test").intValue());
    assertEquals(5, ModelDirectory.open(run).config().stacks().get(0).projectedLength());
  }

  @Test
  void xlaPrecisionAndCheckpointsAreSettings() throws IOException {
    Path run = folder.resolve("compiled");
    done(
        "--task",
        "causal-lm",
        "--data",
        text,
        "--xla",
        "true",
        "--set",
        "precision=bf16",
        "--set",
        "checkpoint_level=C1",
        "--set",
        "training_args.eval_steps=2",
        "--steps",
        3,
        "--batch",
        5,
        "--out",
        run);
    JsonNode state = state(run);
    assertTrue(state.get("training_args").get("xla").booleanValue());
    assertEquals(2, state.get("eval_history").size());
    var encoder = ModelDirectory.open(run).config().stacks().get(0);
    assertEquals(ComputePrecision.BF16, encoder.precision());
    assertEquals(CheckpointLevel.C1, encoder.checkpointLevel());
    Path other = folder.resolve("other");
    Cli refused =
        Cli.run("train", "--set", "training_args.xla=maybe", "--steps", 1, "--out", other);
    assertEquals(2, refused.code());
    assertTrue(
        refused.err().contains("training_args: xla = \"maybe\", but true or false is expected"),
        refused::err);
    assertFalse(Files.exists(other));
  }

  @Test
  void kernelsAreASettingThatNeedsAGpu() throws IOException {
    Path run = folder.resolve("plain");
    List<Object> few = List.of("train", "--task", "causal-lm", "--data", text, "--batch", 5);
    assertEquals(0, trained(few, run, "false").code());
    assertFalse(state(run).get("training_args").get("kernels").booleanValue());
    Path other = folder.resolve("other");
    Cli refused = trained(few, other, "maybe");
    assertEquals(2, refused.code());
    assertTrue(
        refused.err().contains("training_args: kernels = \"maybe\", but true or false is expected"),
        refused::err);
    assertFalse(Files.exists(other));
    refused = trained(few, other, "true", "--xla", "false");
    assertEquals(2, refused.code());
    assertTrue(
        refused
            .err()
            .contains("kernels = true, but xla is off, which compiles them: leave the key out"),
        refused::err);
    assertFalse(refused.err().contains("Exception"), refused::err);
    assertFalse(Files.exists(other));
  }

  private static Cli trained(List<Object> few, Path run, String kernels, Object... more) {
    List<Object> all = new ArrayList<>(few);
    all.addAll(List.of("--set", "training_args.kernels=" + kernels, "--steps", 1, "--out", run));
    all.addAll(List.of(more));
    return Cli.run(all.toArray());
  }

  @Test
  void aDryRunWritesNothing() throws IOException {
    String before = Fixtures.tree(folder);
    String told =
        done("--task", "causal-lm", "--data", text, "--steps", 1000, "--batch", 7, "--dry-run")
            .out();
    assertTrue(told.contains("203 tokens a step, 1,000 steps; nothing is written"), told);
    assertEquals(before, Fixtures.tree(folder));
  }

  @Test
  void feedingIsTimed() throws IOException {
    String before = Fixtures.tree(folder);
    String told = done("--task", "causal-lm", "--data", text, "--time-feeding", 3).out();
    assertTrue(told.matches("a step, median of 3: fed \\d.* ms, resident \\d.* ms .*\\n"), told);
    assertEquals(before, Fixtures.tree(folder));
    Cli none = Cli.run(arguments("--time-feeding", 0));
    assertEquals(2, none.code());
    assertTrue(none.err().contains("--time-feeding 0, but at least 1 is expected"), none::err);
    Cli both = Cli.run(arguments("--time-feeding", 3, "--dry-run"));
    assertEquals(2, both.code());
    assertTrue(both.err().contains("leave out --out and --dry-run"), both::err);
  }

  /** Bad data is said in a line; the folder that was to be made is not there. */
  @Test
  void badDataLeavesNothing() throws IOException {
    Path out = folder.resolve("nothing");
    Path latin = folder.resolve("latin.txt");
    Files.write(latin, new byte[] {'a', (byte) 0xe9, 'b'});
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    refused(out, "causal-lm", latin, "not in UTF-8 at byte 1; convert it");
    refused(out, "causal-lm", empty, "empty, there is nothing to learn from");
    refused(out, "masked-lm", folder.resolve("none"), "no such file or folder");
    Path table = Files.writeString(folder.resolve("a.csv"), "text,label\na,17\n");
    refused(out, "classify", table, "every row has the label 17, but at least 2 labels");
    Path longer =
        Files.writeString(folder.resolve("b.csv"), "text,label\na,0\n" + "a".repeat(30) + ",1\n");
    refused(out, "classify", longer, "line 3: a text of 30 tokens, but input_size = 29; raise it");
    Cli large = Cli.run(arguments("--task", "listops", "--batch", 192_001, "--out", out));
    assertTrue(large.err().contains("batch size 192001 is above the 192000 examples"), large::err);
    assertFalse(Files.exists(out));
  }

  private static void refused(Path out, String task, Path data, String message) {
    Cli cli = Cli.run(arguments("--task", task, "--data", data, "--out", out));
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(
        cli.err().contains("linformer train: --data " + data) && cli.err().contains(message),
        cli::err);
    assertFalse(Files.exists(out));
  }
}
