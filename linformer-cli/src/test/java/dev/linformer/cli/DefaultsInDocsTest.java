package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The defaults that docs/training.md tells are those of the configurations. */
class DefaultsInDocsTest {

  private static final Path PAGE = Path.of("../docs/training.md");
  private static final String HEAD =
      "| defaults of | `max_steps` | `batch_size` | `learning_rate` | `eval_steps` |";

  private static String row(String name, TrainerConfig config) {
    return "| %s | %s | %s | %s | %s |"
        .formatted(
            name,
            config.steps(),
            config.batchSize(),
            config.learningRate(),
            config.evaluateEvery() == 0 ? "0: never" : config.evaluateEvery());
  }

  private static List<String> table(String head) throws IOException {
    List<String> lines = Files.readAllLines(PAGE);
    int first = lines.indexOf(head);
    assertTrue(first >= 0, () -> "docs/training.md has no table " + head);
    return lines.subList(first + 2, lines.size()).stream()
        .takeWhile(line -> line.startsWith("|"))
        .toList();
  }

  @Test
  void ofEachTask() throws IOException {
    List<String> expected = new ArrayList<>();
    TaskDefaults.all().forEach((task, config) -> expected.add(row("`%s`".formatted(task), config)));
    expected.add(row("any `--config`", TaskDefaults.ofFile()));
    assertEquals(String.join("\n", expected), String.join("\n", table(HEAD)));
  }

  /** Keys in one row have their defaults in the same order. */
  @Test
  void ofEachKey() throws IOException {
    ObjectNode defaults = TaskDefaults.ofFile().toJson();
    List<String> keys = new ArrayList<>();
    for (String line : table("| key of `training_args` | default | what |")) {
      String[] cells = line.split(" *\\| *", -1);
      String[] names = cells[1].replace("`", "").split(", ", -1);
      String[] values = cells[2].replace("`", "").split("[,;:] | (?=with)", -1);
      for (int i = 0; i < names.length; i++) {
        if (defaults.has(names[i])) {
          keys.add(names[i]);
          JsonNode value = Objects.requireNonNull(defaults.get(names[i]));
          if (value.isNumber()) {
            assertEquals(value.doubleValue(), Double.parseDouble(values[i]), line);
          } else {
            assertEquals(value.asText(), values[i], line);
          }
        }
      }
    }
    List<String> all = new ArrayList<>();
    defaults.fieldNames().forEachRemaining(all::add);
    assertEquals(all.stream().sorted().toList(), keys.stream().sorted().toList());
  }
}
