package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Trainings that are killed (SIGKILL) at random moments, thirty times in all, resumed each time,
 * and end with the weights of one that was left alone, bit for bit. Two go side by side.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "processes are killed with a signal")
class KillIT {

  private static final int KILLS = 30;
  private static final int STEPS = 6000;
  private static final int LATEST_MS = 2000;

  @TempDir private Path folder = Path.of("");

  private Process start(Path run, Object... arguments) throws IOException {
    List<String> command =
        Child.java(
            "-Xmx512m", "-Xshare:auto", "-XX:TieredStopAtLevel=1", Main.class.getName(), "train");
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    Path output = folder.resolve(run.getFileName() + ".log");
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()))
        .start();
  }

  private Object[] fresh(Path run) throws IOException {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    return new Object[] {
      "--config",
      config,
      "--out",
      run,
      "--steps",
      STEPS,
      "--batch",
      3,
      "--threads",
      1,
      "--set",
      "task.num_train=2000",
      "--set",
      "task.num_validation=20",
      "--set",
      "task.num_test=20",
      "--set",
      "training_args.save_steps=50",
      "--set",
      "training_args.eval_steps=500"
    };
  }

  private void finish(Path run, Process process) throws IOException, InterruptedException {
    assertTrue(process.waitFor(15, TimeUnit.MINUTES), "still running");
    String told = Files.readString(folder.resolve(run.getFileName() + ".log"));
    assertEquals(0, process.exitValue(), told);
  }

  @Test
  void endsWithTheWeightsOfAnUninterruptedTraining() throws Exception {
    Path straight = folder.resolve("straight");
    Process alone = start(straight, fresh(straight));
    Killed[] runs = {new Killed("first"), new Killed("second")};
    finish(straight, alone);
    SplittableRandom random = new SplittableRandom(7);
    for (int kill = 0; kill < KILLS; kill++) {
      Killed run = runs[kill % runs.length];
      Thread.sleep(random.nextInt(LATEST_MS));
      if (!run.process.isAlive()) { // a fast machine: the next one
        run.verify(straight);
        run = new Killed("another-" + kill);
        runs[kill % runs.length] = run;
        Thread.sleep(random.nextInt(LATEST_MS));
      }
      run.process.destroyForcibly().waitFor();
      run.process = start(run.path, "--resume", run.path);
    }
    for (Killed run : runs) {
      run.verify(straight);
    }
  }

  /** A training that is killed now and then. */
  private final class Killed {
    private final Path path;
    private Process process;

    Killed(String name) throws IOException, InterruptedException {
      path = folder.resolve(name);
      process = start(path, fresh(path));
      // Before that there is nothing to resume.
      while (!Files.exists(path.resolve("trainer_state.json"))) {
        assertTrue(process.isAlive(), "it ended before");
        Thread.sleep(5);
      }
    }

    void verify(Path straight) throws IOException, InterruptedException {
      finish(path, process);
      for (String file : List.of("model.safetensors", "trainer_state.json")) {
        assertEquals(
            -1, Files.mismatch(straight.resolve(file), path.resolve(file)), file + " differs");
      }
      try (var checkpoints = Files.list(path.resolve("checkpoints"))) {
        // The two newest, and the best if it is another.
        assertTrue(checkpoints.count() <= 3, "a killed process's files are left");
      }
      long steps =
          Files.readAllLines(path.resolve("log.jsonl")).stream()
              .filter(line -> line.contains("\"loss\""))
              .count();
      assertEquals(STEPS, steps);
    }
  }
}
