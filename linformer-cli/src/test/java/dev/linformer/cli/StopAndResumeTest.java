package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.internal.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Trainings in processes of their own, stopped by signals. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "signals are sent with kill")
class StopAndResumeTest {

  /** More than are made before the signal, however late that comes. */
  private static final int STEPS = 1_000_000_000;

  private static final int SIGINT = 130;
  private static final Pattern STOPPED =
      Pattern.compile("stopped at step (\\d+); go on with: (.*)");

  @Test
  void ctrlCLeavesACheckpointToGoOnFrom(@TempDir Path folder) throws Exception {
    Path run = folder.resolve("run");
    int first;
    try (Child child = train(folder, run)) {
      child.awaitLine("step 1/" + STEPS);
      Cli other = Cli.run("train", "--resume", run);
      assertEquals(2, other.code(), other::toString);
      assertEquals(
          "linformer train: %s: another training is under way there; wait for its end, or name another folder\n"
              .formatted(run),
          other.err());
      assertEquals("", other.out());
      first = interrupt(child, run);
    }
    int second;
    try (Child child = Child.linformer("train", "--resume", run)) {
      child.awaitLine("training in %s from step %s to %s;".formatted(run, first, STEPS));
      child.awaitLine("step %s/%s".formatted(first + 1, STEPS));
      second = interrupt(child, run);
    }
    assertTrue(second > first, first + " to " + second);
  }

  @Test
  void afterKillItGoesOnFromTheLastCompleteCheckpoint(@TempDir Path folder) throws Exception {
    Path run = folder.resolve("run");
    try (Child child = train(folder, run)) {
      child.await(
          "a checkpoint", () -> Files.isDirectory(run.resolve("checkpoints/step-00000500")));
      child.signal("KILL");
      child.end(Child.PATIENCE);
    }
    int newest = Integer.parseInt(newest(run).substring("step-".length()));
    // What a kill in the middle of the next one leaves.
    Path half = Files.createDirectory(run.resolve("checkpoints/." + name(newest + 500) + ".3f2a"));
    Files.copy(
        run.resolve("checkpoints").resolve(name(newest)).resolve("model.safetensors"),
        half.resolve("model.safetensors"));
    try (Child child = Child.linformer("train", "--resume", run)) {
      child.awaitLine("training in %s from step %s to %s;".formatted(run, newest, STEPS));
      child.awaitLine("step %s/%s".formatted(newest + 1, STEPS));
      assertTrue(interrupt(child, run) > newest);
    }
  }

  @Test
  void killedBeforeItsFirstCheckpointItStartsAgain(@TempDir Path folder) throws Exception {
    Path run = folder.resolve("run");
    try (Child child = train(folder, run)) {
      child.awaitLine("preparing the data ");
      child.await("trainer_state.json", () -> Files.exists(run.resolve("trainer_state.json")));
      child.signal("KILL");
      child.end(Child.PATIENCE);
    }
    assertFalse(Files.exists(run.resolve("checkpoints")));
    try (Child child = Child.linformer("train", "--resume", run)) {
      child.awaitLine("training in %s from step 0 to %s;".formatted(run, STEPS));
      child.awaitLine("step 1/" + STEPS);
      interrupt(child, run);
    }
  }

  private static Child train(Path folder, Path run) throws IOException {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    return Child.linformer(
        "train", "--config", config, "--out", run, "--steps", STEPS, "--batch", 8, "--threads", 1);
  }

  /** Ctrl-C; returns the step that the process said it stopped at, which is on disk. */
  private static int interrupt(Child child, Path run) throws IOException, InterruptedException {
    child.signal("INT");
    assertEquals(SIGINT, child.end(Child.PATIENCE), child::output);
    Matcher stopped = STOPPED.matcher(child.output());
    assertTrue(stopped.find(), child::output);
    assertEquals("linformer train --resume " + run, stopped.group(2));
    int step = Integer.parseInt(stopped.group(1));
    assertEquals(name(step), newest(run));
    Path checkpoint = run.resolve("checkpoints").resolve(name(step));
    for (Path state :
        List.of(run.resolve("trainer_state.json"), checkpoint.resolve("trainer_state.json"))) {
      assertEquals(step, JsonObjectReader.read(state).integer("global_step"), state::toString);
    }
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      SafetensorsFile.open(checkpoint.resolve(file)).close();
    }
    return step;
  }

  private static String name(int step) {
    return String.format(Locale.ROOT, "step-%08d", step);
  }

  private static String newest(Path run) throws IOException {
    try (var entries = Files.list(run.resolve("checkpoints"))) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .filter(name -> name.matches("step-\\d{8}"))
          .max(Comparator.naturalOrder())
          .orElseThrow();
    }
  }
}
