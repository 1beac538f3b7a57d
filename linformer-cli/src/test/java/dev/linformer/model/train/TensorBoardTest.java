package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.Venv;
import dev.linformer.model.train.TrainingListener.StepReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What TensorBoard itself reads of a training's event files. */
class TensorBoardTest {

  /** A Python of this test's own with TensorBoard in it. */
  private static final Venv VENV = new Venv("tensorboard", List.of("tensorboard==2.21.0"));

  @Test
  void readsScalarsAndForgetsLostSteps(@TempDir Path folder) throws Exception {
    try (EventLog log = EventLog.open(folder, 0, 2)) {
      for (int step = 1; step <= 6; step++) {
        log.onStep(new StepReport(step, 9, 1.0 / step, 0.25, 0.125, 8, 11, 0));
      }
      log.onEvaluation(6, new Evaluation(1.5, 0.75, 11));
    }
    // A crash after step 6, and a checkpoint of step 4.
    try (EventLog log = EventLog.open(folder, 4, 2)) {
      for (int step = 5; step <= 9; step++) {
        log.onStep(new StepReport(step, 9, 100.0 + step, 0.25, 0.125, 8, 11, 0));
      }
    }
    JsonNode read = new ObjectMapper().readTree(run(folder));
    assertEquals("[[2,0.5],[4,0.25],[6,106.0],[8,108.0],[9,109.0]]", read.get("loss").toString());
    assertEquals("[[2,8.0],[4,8.0],[6,8.0],[8,8.0],[9,8.0]]", read.get("grad_norm").toString());
    assertEquals(5, read.get("learning_rate").size());
    assertEquals(5, read.get("accuracy").size());
    assertEquals("[]", read.path("eval/loss").toString());
  }

  @Test
  void readsMeasurements(@TempDir Path folder) throws Exception {
    try (EventLog log = EventLog.open(folder, 0, 2)) {
      log.onEvaluation(3, new Evaluation(1.5, 0.75, 11));
    }
    JsonNode read = new ObjectMapper().readTree(run(folder));
    assertEquals("[[3,1.5]]", read.get("eval/loss").toString());
    assertEquals("[[3,0.75]]", read.get("eval/accuracy").toString());
  }

  private static String run(Path folder) throws IOException, InterruptedException {
    Path script = Path.of("src", "test", "resources", "read_events.py").toAbsolutePath();
    return execute(List.of(VENV.python().toString(), script.toString(), folder.toString()));
  }

  /** What a command prints, without its warnings; fails unless it ends well. */
  private static String execute(List<String> command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("tensorboard", ".out");
    Path errors = Files.createTempFile("tensorboard", ".err");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile())
              .start();
      boolean ended = process.waitFor(10, TimeUnit.MINUTES);
      process.destroyForcibly();
      String told = Files.readString(output) + Files.readString(errors);
      assertTrue(ended, () -> command + " took too long; it printed\n" + told);
      assertEquals(0, process.exitValue(), () -> command + " failed; it printed\n" + told);
      return Files.readString(output);
    } finally {
      Files.deleteIfExists(output);
      Files.deleteIfExists(errors);
    }
  }
}
