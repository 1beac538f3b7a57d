package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Values;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.data.Task;
import dev.linformer.runtime.Toggle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingRunTest {

  private static final LinformerClassifierConfig MODEL = Tiny.model(0.1);
  private static final Task TASK =
      new ListOpsTask(new ListOps.Settings(3, 17, 4, 3), 300, 40, 50, 5);

  @TempDir private Path folder;

  private static TrainerConfig config(int steps) {
    return Tiny.trainer(steps, 1, 6, 0, 10, 1);
  }

  /** What is said, in its order. */
  private static final class Heard implements TrainingMessages {
    final List<String> lines = new ArrayList<>();

    @Override
    public void info(String line) {
      lines.add(line);
    }

    @Override
    public void warn(String line) {
      lines.add("warning: " + line);
    }
  }

  @Test
  void fromTheFirstStepToTheMeasuredModel() throws IOException {
    Heard heard = new Heard();
    Path path = folder.resolve("run");
    try (TrainingRun run = TrainingRun.create(path, MODEL, TASK, config(20), heard)) {
      assertEquals(
          List.of(
              "preparing the data of the task listops",
              "16 tokens and 10 classes of the task listops"),
          heard.lines);
      assertTrue(Files.exists(run.directory().configFile()), "all is on disk from the start");
      assertTrue(run.train(TrainingListener.NONE));
      assertEquals(20, run.state().step());
      TrainingRun.Result result = run.finish();
      assertEquals(run.state().best(), result.best());
      assertFalse(result.stoppedEarly());
      assertEquals(50, result.report().model().targets());
      assertEquals(3, result.report().baselines().size());
    }
    ModelDirectory directory = ModelDirectory.open(path);
    assertEquals(MODEL, directory.config());
    assertEquals(TASK, Task.of(directory).orElseThrow());
    assertEquals(20, Files.readAllLines(directory.logFile()).size() - 4, "steps and measurements");
    TestReport other = TrainingRun.evaluate(directory, null, OptionalLong.of(9));
    assertEquals(50, other.model().targets());
  }

  /** Two runs of one process; the second one has its turn when the first is closed. */
  @Test
  void aFolderHasOneRunAtATime() throws IOException {
    Path path = folder.resolve("run");
    try (TrainingRun run = TrainingRun.create(path, MODEL, TASK, config(20))) {
      run.requestStop();
      assertFalse(run.train(TrainingListener.NONE));
      String message = Values.refusal(() -> TrainingRun.resume(path).close());
      assertTrue(message.contains("another training is under way there"), message);
    }
    try (TrainingRun run = TrainingRun.resume(path)) {
      assertEquals(TASK, run.task());
      assertEquals(config(20), run.config());
      assertEquals(MODEL, run.model());
    }
  }

  @Test
  void whatIsRefusedLeavesNothingBehind() throws IOException {
    Path path = folder.resolve("run");
    TrainerConfig large = TrainerConfig.builder(5).batchSize(301).xla(Toggle.OFF).build();
    assertEquals(
        "batch size 301 is above the 300 examples there are: lower it",
        Values.refusal(() -> TrainingRun.create(path, MODEL, TASK, large).close()));
    assertFalse(Files.exists(path));
    Task longer = new ListOpsTask(new ListOps.Settings(3, 33, 4, 3), 300, 40, 50, 5);
    assertTrue(
        Values.refusal(() -> TrainingRun.create(path, MODEL, longer, config(5)).close())
            .startsWith("the model: input_size = 16, but the task listops has expressions"));
    assertFalse(Files.exists(path));
    Files.createDirectory(path);
    Values.refusal(() -> TrainingRun.create(path, MODEL, TASK, large).close());
    try (var entries = Files.list(path)) {
      assertEquals(0, entries.count(), "an empty folder stays one");
    }
  }

  @Test
  void thereIsNothingToResume() {
    assertThrows(
        InvalidInputException.class, () -> TrainingRun.resume(folder.resolve("absent")).close());
    assertEquals(
        folder + ": no training there, trainer_state.json is missing",
        Values.refusal(() -> TrainingRun.resume(folder).close()));
  }
}
