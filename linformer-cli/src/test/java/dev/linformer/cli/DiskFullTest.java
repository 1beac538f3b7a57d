package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training whose files may not grow beyond a limit, which a process gets like a disk that is full
 * but from its shell.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "the limit is set with ulimit")
class DiskFullTest {

  /** Weights of about 20 kB, and the optimizer's slots of twice that. */
  private static final int BLOCKS_OF_1024 = 30;

  @Test
  void aCheckpointThatDoesNotFitIsNotThere(@TempDir Path folder) throws Exception {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER.replace(": 8,", ": 24,"));
    Path run = folder.resolve("run");
    List<Object> train =
        List.of(
            "train",
            "--config",
            config,
            "--out",
            run,
            "--steps",
            20,
            "--batch",
            8,
            "--threads",
            1,
            "--set",
            "task.num_train=200",
            "--set",
            "task.num_validation=50",
            "--set",
            "task.num_test=50",
            "--set",
            "training_args.save_steps=10");
    List<String> command = new ArrayList<>(List.of("bash", "-c"));
    command.add("ulimit -f " + BLOCKS_OF_1024 + "; exec \"$@\"");
    command.add("bash");
    command.addAll(Child.java("-Xmx1g", "-XX:-UsePerfData", Main.class.getName()));
    train.forEach(word -> command.add(word.toString()));
    try (Child child = Child.start(command)) {
      assertEquals(1, child.end(Child.PATIENCE), child::output);
      String told = child.output();
      assertTrue(told.contains("linformer train: " + run + "/checkpoints/step-00000010/"), told);
      assertTrue(told.contains("go on with: linformer train --resume " + run), told);
      assertFalse(told.contains("\tat "), told);
    }
    try (var left = Files.list(run.resolve("checkpoints"))) {
      assertEquals(List.of(), left.toList());
    }
    assertFalse(Files.exists(run.resolve("model.safetensors")));
    // With room again it goes on, from the beginning here: no checkpoint was complete.
    String told = Cli.done("train", "--resume", run).out();
    assertTrue(told.contains("from step 0 to 20"), told);
    assertTrue(Files.exists(run.resolve("model.safetensors")));
    assertNoneAside(run);
  }

  private static void assertNoneAside(Path run) throws IOException {
    try (var all = Files.walk(run)) {
      assertEquals(
          List.of(), all.filter(path -> path.getFileName().toString().startsWith(".")).toList());
    }
  }
}
