package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.ExportedLinformer;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A small training, from its configuration to the exported model. */
class TrainTest {

  @TempDir static Path folder = Path.of("");
  private static Path run = Path.of("");
  private static String printed = "";
  private static String progress = "";

  @BeforeAll
  static void train() throws IOException {
    run = folder.resolve("run");
    Cli cli = train(run, 1);
    printed = cli.out();
    progress = cli.err();
  }

  private static Cli train(Path out, long seed) throws IOException {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    return Cli.done(
        "train",
        "--config",
        config,
        "--out",
        out,
        "--steps",
        30,
        "--batch",
        8,
        "--threads",
        1,
        "--learning-rate",
        0.01,
        "--seed",
        seed);
  }

  @Test
  void leavesEveryFile() throws IOException {
    assertEquals(
        Set.of(
            "config.json",
            "model.safetensors",
            "trainer_state.json",
            "checkpoints",
            "saved_model",
            "log.jsonl",
            ".training.lock",
            "events"),
        names(run).stream()
            .map(name -> name.startsWith("events.out.tfevents.") ? "events" : name)
            .collect(Collectors.toSet()));
    assertEquals(Set.of("step-00000030"), names(run.resolve("checkpoints")));
    assertEquals(
        Set.of("model.safetensors", "optimizer.safetensors", "trainer_state.json"),
        names(run.resolve("checkpoints/step-00000030")));
    assertEquals(
        -1,
        Files.mismatch(
            run.resolve("model.safetensors"),
            run.resolve("checkpoints/step-00000030/model.safetensors")));
  }

  private static Set<String> names(Path path) throws IOException {
    try (var entries = Files.list(path)) {
      return entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void trainerStateTellsEverything() throws IOException {
    JsonNode state = new ObjectMapper().readTree(run.resolve("trainer_state.json").toFile());
    assertEquals(30, state.get("global_step").intValue());
    assertEquals(30 * 8 * 24, state.get("num_input_tokens_seen").intValue());
    JsonNode last = state.get("log_history").get(state.get("log_history").size() - 1);
    assertEquals(30, last.get("step").intValue());
    assertTrue(last.get("loss").doubleValue() > 0, last::toString);
    JsonNode settings = state.get("training_args");
    assertEquals(30, settings.get("max_steps").intValue());
    assertEquals(8, settings.get("batch_size").intValue());
    assertEquals(0.01, settings.get("learning_rate").doubleValue());
    assertEquals(1, settings.get("seed").intValue());
    assertEquals(1, settings.get("threads").intValue());
    JsonNode task = state.get("task");
    assertEquals("listops", task.get("name").textValue());
    assertEquals(25, task.get("max_length").intValue());
    assertEquals(1, task.get("seed").intValue());
    JsonNode evaluation = state.get("evaluation");
    assertEquals(task.get("num_test").intValue(), evaluation.get("examples").intValue());
    double accuracy = evaluation.get("accuracy").doubleValue();
    assertTrue(accuracy > 0.02 && accuracy < 0.5, evaluation::toString);
    String line = String.format(Locale.ROOT, "\naccuracy, this model %.1f%% ", 100 * accuracy);
    assertTrue(printed.replaceAll(" +", " ").contains(line), printed);
  }

  /** Tests have no terminal. */
  @Test
  void progressIsLinesOnStandardError() {
    for (int step : new int[] {1, 2, 29, 30}) {
      assertTrue(
          progress.matches(
              "(?s).*\\nstep %s/30: loss \\d\\.\\d{4}, accuracy \\d+\\.\\d%%, [\\d,]+ tokens/s, \\d+ s left\\n.*"
                  .formatted(step)),
          progress);
    }
    assertEquals(30, progress.lines().filter(line -> line.startsWith("step ")).count(), progress);
    assertTrue(progress.startsWith("preparing the data of the task listops\n"), progress);
    String begin = "training in %s from step 0 to 30; Ctrl-C stops it with a checkpoint";
    assertTrue(progress.lines().anyMatch(begin.formatted(run)::equals), progress);
  }

  /** The table, and how to go on: nothing else, so that a file of it stands alone. */
  @Test
  void resultsAreOnStandardOutput() {
    Path saved = run.resolve("saved_model/1");
    String expected =
        """
        held-out examples +4000
        accuracy, this model +\\d+\\.\\d% +\\(loss \\d\\.\\d{4}\\)
        accuracy, majority class +\\d+\\.\\d%
        accuracy, root operator alone +\\d+\\.\\d%
        accuracy, root operator and its own digits +\\d+\\.\\d%
        """;
    assertTrue(printed.matches("(?s)" + expected + ".*"), printed);
    assertEquals(
        List.of(
            "model:      " + run,
            "SavedModel: " + saved,
            "  Python:  model = tf.saved_model.load(\"%s\").signatures[\"serving_default\"]"
                .formatted(saved)),
        printed.lines().skip(5).limit(3).toList());
    String java = "  Java:    var model = ExportedLinformer.load(Path.of(\"%s\"));";
    assertTrue(printed.contains("\n" + java.formatted(saved) + "\n"), printed);
    assertFalse(printed.contains("step "), printed);
  }

  @Test
  void exportsTheTrainedWeights() throws IOException {
    int[] tokens = new Random(1).ints(24, 0, 16).toArray();
    Path input = Fixtures.ints(folder.resolve("tokens.npy"), "(1, 24)", tokens);
    Path output = folder.resolve("logits.npy");
    Cli.done("predict", "--model", run, "--input", input, "--output", output);
    try (ExportedLinformer exported = ExportedLinformer.load(run.resolve("saved_model"))) {
      assertArrayEquals(exported.logits(tokens), NpyFile.read(output).floats());
    }
  }

  @Test
  void evalMeasuresIt() {
    String report = Cli.done("eval", "--model", run).out();
    assertTrue(report.matches("(?s)held-out examples +4000\\n.*"), report);
    assertTrue(report.matches("(?s).*\\naccuracy, this model +\\d+\\.\\d% .*"), report);
    assertEquals(report, Cli.done("eval", "--model", run).out());
    assertNotEquals(report, Cli.done("eval", "--model", run, "--seed", 5).out());
  }

  @Test
  void aSeedGivesTheSameBytes() throws IOException {
    Path again = folder.resolve("again");
    train(again, 1);
    Path weights = Path.of("model.safetensors");
    assertEquals(-1, Files.mismatch(run.resolve(weights), again.resolve(weights)));
    Path other = folder.resolve("other");
    train(other, 2);
    assertNotEquals(-1, Files.mismatch(run.resolve(weights), other.resolve(weights)));
  }

  @Test
  void aFinishedTrainingIsMeasuredAgain() throws IOException {
    Path finished = folder.resolve("finished");
    train(finished, 1);
    byte[] weights = Files.readAllBytes(finished.resolve("model.safetensors"));
    Files.delete(finished.resolve("model.safetensors"));
    String told = Cli.done("train", "--resume", finished).err();
    assertTrue(told.contains("from step 30 to 30"), told);
    assertArrayEquals(weights, Files.readAllBytes(finished.resolve("model.safetensors")));
    assertEquals(Set.of("1"), names(finished.resolve("saved_model")));
  }

  @Test
  void aFinishedTrainingIsNotResumed() throws IOException {
    Path finished = folder.resolve("done");
    train(finished, 1);
    String before = Fixtures.tree(finished);
    assertEquals(
        "the training in %1$s is finished, after step 30, and its model is exported to %1$s/saved_model/1; nothing is left to do\n"
            .formatted(finished),
        Cli.done("train", "--resume", finished).out());
    assertEquals(before, Fixtures.tree(finished));
  }

  /** A process that was killed between its last step and the export, or while it exported. */
  @Test
  void whatIsMissingOfAnExportIsMadeUp() throws IOException {
    Path finished = folder.resolve("killed");
    train(finished, 1);
    String before = Fixtures.tree(finished.resolve("saved_model"));
    AtomicFolder.delete(finished.resolve("saved_model"));
    Cli.done("train", "--resume", finished);
    assertEquals(before, Fixtures.tree(finished.resolve("saved_model")));
    Fixtures.truncate(finished.resolve("saved_model/1/saved_model.pb"));
    Cli.done("train", "--resume", finished);
    assertEquals(Set.of("1", "2"), names(finished.resolve("saved_model")));
  }

  /** Early stopping ends a training before its last step. */
  @Test
  void aTrainingThatStoppedEarlyIsFinishedToo() throws IOException {
    Path run = folder.resolve("early");
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    Cli.done(
        "train",
        "--config",
        config,
        "--out",
        run,
        "--steps",
        1000,
        "--batch",
        2,
        "--threads",
        1,
        "--learning-rate",
        1e-30,
        "--set",
        "training_args.eval_steps=1",
        "--set",
        "training_args.early_stopping_patience=1",
        "--set",
        "task.num_validation=8");
    String told = Cli.done("train", "--resume", run).out();
    assertTrue(told.contains(" is finished, after step 2, "), told);
  }

  /** A training that had come far is not begun anew without a word. */
  @Test
  void withoutACheckpointThereIsNothingToResume() throws IOException {
    Path gone = folder.resolve("gone");
    train(gone, 1);
    Files.delete(gone.resolve("model.safetensors")); // else it is finished
    Path log = gone.resolve("log.jsonl");
    byte[] before = Files.readAllBytes(log);
    Path checkpoint = gone.resolve("checkpoints/step-00000030");
    Files.delete(checkpoint.resolve("optimizer.safetensors"));
    Cli cli = Cli.run("train", "--resume", gone);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(
        cli.err().contains("optimizer.safetensors: no such file; there is no older checkpoint"),
        cli::err);
    AtomicFolder.delete(gone.resolve("checkpoints"));
    cli = Cli.run("train", "--resume", gone);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(
        cli.err().contains("no checkpoint is left of the training, which was at step 30; begin"),
        cli::err);
    assertArrayEquals(before, Files.readAllBytes(log));
  }
}
