package dev.linformer.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a key of log.jsonl is for people.
 *
 * @param words what it is
 * @param unit of its numbers; empty for a share, a factor or a count
 */
record LoggedValue(String words, String unit) {

  private static final String NATS = "nats";

  /** The keys that a training writes. */
  static final Map<String, LoggedValue> KNOWN =
      Map.of(
          "loss", new LoggedValue("training loss", NATS),
          "accuracy", new LoggedValue("training accuracy", ""),
          "eval_loss", new LoggedValue("validation loss", NATS),
          "eval_accuracy", new LoggedValue("validation accuracy", ""),
          "learning_rate", new LoggedValue("learning rate", ""),
          "grad_norm", new LoggedValue("norm of the gradients before clipping", ""),
          "tokens", new LoggedValue("positions of a step", ""),
          "waited", new LoggedValue("time without a batch", "s"),
          "seconds", new LoggedValue("time since the start or the resumption", "s"));

  /** The value of a key; one that no training of ours writes is its own name. */
  static LoggedValue of(String key, List<Path> logs) {
    LoggedValue known = KNOWN.getOrDefault(key, new LoggedValue(key.replace('_', ' '), ""));
    // The loss of a program's own task has a unit that only the program knows.
    return known.unit.equals(NATS) && logs.stream().anyMatch(LoggedValue::isOfOwnTask)
        ? new LoggedValue(known.words, "")
        : known;
  }

  /**
   * The words on its axis.
   *
   * @param mean values in a row that a point is the mean of
   */
  String axis(int mean) {
    return words
        + (unit.isEmpty() ? "" : ", " + unit)
        + (mean == 1 ? "" : ", mean of %s values".formatted(mean));
  }

  /**
   * The line above a picture of it: of which training, or which tasks these learn.
   *
   * @param curves the names of the trainings
   */
  String title(List<String> curves, List<Path> logs) {
    String of =
        curves.size() == 1
            ? curves.get(0)
            : logs.stream()
                .map(log -> task(log).orElse(""))
                .filter(task -> !task.isEmpty())
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
    String start = Character.toUpperCase(words.charAt(0)) + words.substring(1);
    return of.isEmpty() ? start : start + ": " + of;
  }

  private static boolean isOfOwnTask(Path log) {
    return task(log).map(task -> !Task.NAMES.contains(task)).orElse(false);
  }

  /** What is learned, as trainer_state.json beside the log says; nothing if it doesn't. */
  private static Optional<String> task(Path log) {
    Path folder = log.toAbsolutePath().normalize().getParent();
    if (folder == null) {
      return Optional.empty();
    }
    Path state = new ModelDirectory(folder).trainerStateFile();
    if (!Files.isRegularFile(state)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JsonObjectReader.read(state).copy();
      JsonNode name = json.path(json.has(Task.KEY) ? Task.KEY : Task.OWN_KEY).path(Task.NAME);
      return name.isTextual()
          ? Optional.of(PrintableText.excerpt(name.textValue()))
          : Optional.empty();
    } catch (InvalidInputException e) {
      return Optional.empty(); // the curves are in the log
    }
  }
}
