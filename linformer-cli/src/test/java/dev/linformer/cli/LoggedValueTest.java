package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoggedValueTest {

  @TempDir private Path folder = Path.of("");

  private Path log(String run, String state) throws IOException {
    Path of = Files.createDirectories(folder.resolve(run));
    Files.writeString(of.resolve("trainer_state.json"), state);
    return of.resolve("log.jsonl");
  }

  @Test
  void axesHaveWordsAndUnits() {
    assertEquals("training loss, nats", LoggedValue.of("loss", List.of()).axis(1));
    assertEquals(
        "validation loss, nats, mean of 5 values", LoggedValue.of("eval_loss", List.of()).axis(5));
    assertEquals("validation accuracy", LoggedValue.of("eval_accuracy", List.of()).axis(1));
    assertEquals("my key", LoggedValue.of("my_key", List.of()).axis(1));
  }

  /** Of every key that a training writes. */
  @Test
  void everyKeyHasWords() throws IOException {
    Path run = folder.resolve("run");
    Cli.done(
        "train",
        "--task=copy",
        "--steps=2",
        "--batch=7",
        "--set=task.num_test=7",
        "--set=task.num_validation=7",
        "--set=training_args.eval_steps=1",
        "--out=" + run);
    List<String> keys = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("log.jsonl"))) {
      JsonNode json = new ObjectMapper().readTree(line);
      json.fieldNames().forEachRemaining(keys::add);
    }
    assertTrue(keys.contains("eval_accuracy"), keys::toString);
    keys.removeAll(List.of("step"));
    assertTrue(LoggedValue.KNOWN.keySet().containsAll(keys), keys::toString);
  }

  @Test
  void titlesNameTheTrainingOrTheTasks() throws IOException {
    Path one = log("one", "{\"task\": {\"name\": \"copy\"}}");
    Path two = log("two", "{\"task\": {\"name\": \"listops\"}}");
    LoggedValue loss = LoggedValue.of("eval_loss", List.of(one, two));
    assertEquals("Validation loss: one", loss.title(List.of("one"), List.of(one)));
    assertEquals(
        "Validation loss: copy, listops", loss.title(List.of("one", "two"), List.of(two, one)));
    Path alone = folder.resolve("log.jsonl");
    assertEquals("Validation loss", loss.title(List.of("a", "b"), List.of(alone, alone)));
    Path broken = log("broken", "{");
    assertEquals("Validation loss", loss.title(List.of("a", "b"), List.of(broken, broken)));
  }

  /** Whose loss may be anything. */
  @Test
  void aProgramsOwnTaskHasNoUnit() throws IOException {
    Path ours = log("ours", "{\"task\": {\"name\": \"copy\"}}");
    Path own = log("own", "{\"own_task\": {\"name\": \"regression\"}}");
    assertEquals("training loss, nats", LoggedValue.of("loss", List.of(ours)).axis(1));
    assertEquals("training loss", LoggedValue.of("loss", List.of(ours, own)).axis(1));
  }
}
