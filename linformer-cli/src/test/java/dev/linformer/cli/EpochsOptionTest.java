package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training's length on the command line: steps, or epochs of the 40 rows of a table. */
class EpochsOptionTest {

  private static final String MODEL =
      """
      {"model_type": "classifier", "input_size": 8, "channels": 4, "dim_k": 3, "dim_ff": 5,
       "nhead": 2, "num_tokens": 256, "num_classes": 2, "training_args": {"batch_size": 8%s}}""";

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void writeTable() throws IOException {
    StringBuilder rows = new StringBuilder("text,label\n");
    for (int i = 0; i < 50; i++) {
      rows.append("row ").append(i).append(i % 2 == 0 ? ",odd\n" : ",even\n");
    }
    Files.writeString(folder.resolve("rows.csv"), rows);
  }

  private Object[] arguments(String moreKeys, Object... more) throws IOException {
    Path config = Fixtures.config(folder, MODEL.formatted(moreKeys));
    List<Object> all = new ArrayList<>(List.of("train", "--task", "classify", "--data"));
    all.addAll(List.of(folder.resolve("rows.csv"), "--config", config, "--threads", 1));
    all.addAll(List.of(more));
    return all.toArray();
  }

  private void assertSteps(int steps, String moreKeys, Object... more) throws IOException {
    List<Object> dry = new ArrayList<>(List.of(more));
    dry.add("--dry-run");
    String told = Cli.done(arguments(moreKeys, dry.toArray())).out();
    assertTrue(told.contains(", %s steps; nothing is written".formatted(steps)), told);
  }

  private void assertRefused(String message, String moreKeys, Object... more) throws IOException {
    List<Object> all = new ArrayList<>(List.of(more));
    all.addAll(List.of("--out", folder.resolve("run")));
    Cli cli = Cli.run(arguments(moreKeys, all.toArray()));
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains(message), cli::err);
    assertFalse(Files.exists(folder.resolve("run")));
  }

  @Test
  void progressAndFilesTellThem() throws IOException {
    Path run = folder.resolve("run");
    Cli cli = Cli.done(arguments("", "--epochs", 2.5, "--out", run));
    List<String> steps = cli.err().lines().filter(line -> line.startsWith("step ")).toList();
    assertEquals(13, steps.size());
    assertTrue(steps.get(0).startsWith("step 1/13: epoch 0.2/2.5, loss "), steps.get(0));
    assertTrue(steps.get(12).startsWith("step 13/13: epoch 2.5/2.5, loss "), steps.get(12));
    JsonNode state = new ObjectMapper().readTree(run.resolve("trainer_state.json").toFile());
    assertEquals(13, state.get("global_step").intValue());
    assertEquals(13, state.get("training_args").get("max_steps").intValue());
    assertEquals(2.5, state.get("training_args").get("num_train_epochs").doubleValue());
    assertTrue(Cli.done("train", "--resume", run).out().contains(" is finished, after step 13,"));
  }

  /** An option replaces what a file or --set says, in either words. */
  @Test
  void theLastWordCounts() throws IOException {
    assertSteps(10, "", "--epochs", 2);
    assertSteps(15, ", \"num_train_epochs\": 3");
    assertSteps(10, ", \"num_train_epochs\": 3", "--epochs", 2);
    assertSteps(4, ", \"num_train_epochs\": 3", "--steps", 4);
    assertSteps(10, ", \"max_steps\": 7", "--epochs", 2);
    assertSteps(5, ", \"max_steps\": 7", "--set", "training_args.num_train_epochs=1");
    assertSteps(6, ", \"num_train_epochs\": 3", "--set", "training_args.max_steps=6");
    assertSteps(10, "", "--set", "training_args.max_steps=6", "--epochs", 2);
    assertSteps(10, "", "--steps", 10, "--epochs", 2);
  }

  @Test
  void whatDoesNotFitIsRefused() throws IOException {
    String both = "max_steps = %s, but num_train_epochs = %s makes %s steps here; leave out one";
    assertRefused(both.formatted(9, "2.0", 10), "", "--steps", 9, "--epochs", 2);
    assertRefused(both.formatted(7, "3.0", 15), ", \"max_steps\": 7, \"num_train_epochs\": 3");
    assertRefused("num_train_epochs = 0.0, but a number above 0", "", "--epochs", 0);
    assertRefused("num_train_epochs = -1.0, but a number above 0", "", "--epochs", -1);
    Cli endless = Cli.run("train", "--task", "copy", "--epochs", 3, "--out", folder.resolve("run"));
    assertEquals(2, endless.code());
    assertEquals(
        "linformer train: num_train_epochs: the task copy makes examples without end; give max_steps instead",
        endless.err().lines().reduce("", (before, last) -> last));
    assertFalse(Files.exists(folder.resolve("run")));
  }

  /** The default model of a task says how many steps; who gives epochs means those. */
  @Test
  void theTasksOwnStepsGiveWay() throws IOException {
    String told =
        Cli.done(
                "train",
                "--task",
                "classify",
                "--data",
                folder.resolve("rows.csv"),
                "--set",
                "num_classes=2",
                "--epochs",
                4,
                "--dry-run")
            .out();
    assertTrue(told.contains(", 8 steps; nothing is written"), told);
  }
}
