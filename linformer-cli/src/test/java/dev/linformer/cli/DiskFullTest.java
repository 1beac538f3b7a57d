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
    String told = Cli.done("train", "--resume", run).err();
    assertTrue(told.contains("from step 0 to 20"), told);
    assertTrue(Files.exists(run.resolve("model.safetensors")));
    assertNoneAside(run);
  }

  /** Command lines, one after the other, each before {@code --then}. */
  static final class Several {
    private Several() {}

    public static void main(String[] arguments) {
      List<String> words = new ArrayList<>();
      for (String each : arguments) {
        if (!each.equals("--then")) {
          words.add(each);
          continue;
        }
        Cli cli = Cli.run(words.toArray());
        System.out.println(cli.code() + " " + cli.out() + cli.err().strip());
        words.clear();
      }
      System.exit(0);
    }
  }

  @Test
  void whatDoesNotFitIsNotThere(@TempDir Path folder) throws Exception {
    Path config = Fixtures.config(folder, Fixtures.ENCODER.replace(": 5", ": 97"));
    Path model = folder.resolve("model");
    Cli.done("init", "--config", config, "--out", model);
    Path input = Fixtures.npy(folder.resolve("x.npy"), "<f4", "(20, 6, 4)", new byte[20 * 96]);
    Path weights = model.resolve("model.safetensors");
    Path log = Files.writeString(folder.resolve("log.jsonl"), "{\"step\":1,\"loss\":1}");
    Path old = Files.writeString(folder.resolve("old.npy"), "old");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    String before = Fixtures.tree(folder);
    String[] commands = {
      "init --config %s --out new".formatted(config),
      "init --config %s --out %s".formatted(config, empty),
      "import --from linformer-pytorch --config %s --weights %s --out new"
          .formatted(config, weights),
      "export-weights --to linformer-pytorch --model %s --out new".formatted(model),
      "export --model %s --out new".formatted(model),
      "export --model %s --out new --formats frozen".formatted(model),
      "export --model %s --out %s --formats tfjs,onnx".formatted(model, empty),
      "predict --model %s --input %s --output new".formatted(model, input),
      "predict --model %s --input %s --output %s".formatted(model, input, old),
      "plot --log %s --out new.png".formatted(log),
      "visualize --model %s --input %s --out new.png".formatted(model, input)
    };
    List<String> command = new ArrayList<>(List.of("bash", "-c"));
    command.add("ulimit -f 1; cd \"$1\"; shift; exec \"$@\"");
    command.addAll(List.of("bash", folder.toString()));
    command.addAll(Child.java("-Xmx1g", "-XX:-UsePerfData", Several.class.getName()));
    for (String each : commands) {
      command.addAll(List.of(each.split(" ")));
      command.add("--then");
    }
    try (Child child = Child.start(command)) {
      assertEquals(0, child.end(Child.PATIENCE), child::output);
      List<String> told =
          child.output().lines().filter(line -> line.matches("\\d linformer .*")).toList();
      assertEquals(commands.length, told.size(), child::output);
      for (int i = 0; i < commands.length; i++) {
        String name = commands[i].split(" ", 2)[0];
        assertTrue(told.get(i).startsWith("1 linformer " + name + ": "), told.get(i));
        assertTrue(told.get(i).endsWith(": File too large"), told.get(i));
      }
    }
    assertEquals(before, Fixtures.tree(folder));
  }

  private static void assertNoneAside(Path run) throws IOException {
    try (var all = Files.walk(run)) {
      assertEquals(
          List.of(run.resolve(".training.lock")),
          all.filter(path -> path.getFileName().toString().startsWith(".")).toList());
    }
  }
}
