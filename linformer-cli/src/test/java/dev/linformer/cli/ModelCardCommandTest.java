package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the model card of an export tells a reader to do. */
class ModelCardCommandTest {

  @TempDir private Path folder = Path.of("");

  /** With settings that differ from those that {@code train} takes unless told. */
  @Test
  void itsCommandMakesTheSameModel() throws IOException {
    Path first = folder.resolve("first");
    Cli.done(
        "train",
        "--task=copy",
        "--steps=3",
        "--batch=5",
        "--seed=4",
        "--threads=1",
        "--set=channels=16",
        "--set=training_args.optim=sgd",
        "--set=training_args.eval_steps=2",
        "--set=task.num_test=7",
        "--set=task.num_validation=7",
        "--out=" + first);
    String card = Files.readString(first.resolve("saved_model/1/README.md"));
    String start = "```json\n";
    String recipe = card.substring(card.indexOf(start) + start.length(), card.lastIndexOf("```"));
    Path file = Files.writeString(folder.resolve("recipe.json"), recipe);
    String command = "    linformer train --config recipe.json --out model";
    assertTrue(card.contains("\n" + command + "\n"), card);
    Path again = folder.resolve("model");
    List<Object> arguments = new ArrayList<>();
    for (String word : command.strip().replace("linformer ", "").split(" ", -1)) {
      arguments.add(Map.of("recipe.json", file, "model", again).getOrDefault(word, Path.of(word)));
    }
    Cli.done(arguments.toArray());
    for (String same : new String[] {"model.safetensors", "saved_model/1/README.md"}) {
      assertEquals(-1, Files.mismatch(first.resolve(same), again.resolve(same)), same);
    }
  }

  @Test
  void anUntrainedModelHasOneToo() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("config.json"),
            "{\"input_size\": 8, \"channels\": 4, \"dim_k\": 2, \"nhead\": 2}");
    Cli.done("init", "--config", config, "--out", folder.resolve("model"));
    Cli.done("export", "--model", folder.resolve("model"), "--out", folder.resolve("export"));
    String card = Files.readString(folder.resolve("export/1/README.md"));
    assertTrue(card.contains("pipeline_tag: feature-extraction"), card);
    assertTrue(card.contains("Nothing is known of it"), card);
  }
}
