package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.linformer.model.ModelSummary;
import dev.linformer.ops.ArabicDigits;
import dev.linformer.ops.internal.PlainDigits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A training in a process whose default locale writes other digits. */
class TrainerLocaleTest {

  @TempDir private Path folder = Path.of("");

  /** Trains in two parts, and returns the files it leaves. */
  private static List<String> train(Path run) throws IOException {
    var model = Tiny.model(0);
    Path checkpoints = run.resolve("checkpoints");
    Locale locale = Locale.getDefault(Locale.Category.FORMAT);
    for (int steps : new int[] {2, 4}) {
      TrainerConfig config = Tiny.trainer(steps, 1, 1, 0, 1, 1);
      try (Trainer trainer = Trainer.resume(model, Tiny.OBJECTIVE, config, checkpoints)) {
        int step = trainer.state().step();
        assertEquals(steps - 2, step);
        Locale.setDefault(Locale.Category.FORMAT, locale); // the graph has set another
        try (RunLog log = RunLog.open(run.resolve("log.jsonl"), step);
            EventLog events = EventLog.open(run, step, 1)) {
          trainer.train(Tiny.data(1), TrainingListener.all(List.of(log, events)));
        }
        assertEquals(trainer.state().best(), trainer.loadBest());
      }
    }
    try (var all = Files.walk(run)) {
      return all.map(path -> run.relativize(path).toString()).sorted().toList();
    }
  }

  @Test
  void filesAndWeightsAreTheSame() throws Exception {
    Path here = Files.createDirectory(folder.resolve("here"));
    Path there = Files.createDirectory(folder.resolve("there"));
    List<String> expected = train(here);
    List<String> found = ArabicDigits.call(() -> train(there));
    assertEquals(withoutEvents(expected), withoutEvents(found));
    assertEquals(expected.size(), found.size());
    assertFalse(ArabicDigits.isForeign(found.toString()), found::toString);
    String weights = "checkpoints/step-00000004/model.safetensors";
    assertArrayEquals(
        Files.readAllBytes(here.resolve(weights)), Files.readAllBytes(there.resolve(weights)));
    assertFalse(ArabicDigits.isForeign(Files.readString(there.resolve("log.jsonl"))));
  }

  private static List<String> withoutEvents(List<String> files) {
    return files.stream().filter(name -> !name.startsWith("events.")).toList();
  }

  /** Whoever builds a graph gets digits that TensorFlow takes; all else of a locale stays. */
  @Test
  void onlyTheDigitsOfTheLocaleChange() throws Exception {
    Locale found =
        ArabicDigits.call(
            () -> {
              PlainDigits.ensure();
              return Locale.getDefault(Locale.Category.FORMAT);
            });
    assertEquals(Locale.forLanguageTag("ar-EG-u-nu-latn"), found);
    Locale before = Locale.getDefault(Locale.Category.FORMAT);
    PlainDigits.ensure();
    assertEquals(before, Locale.getDefault(Locale.Category.FORMAT));
  }

  @Test
  void summariesAreTheSame() throws Exception {
    var model = Tiny.model(0);
    String expected = ModelSummary.of(model).table();
    assertEquals(expected, ArabicDigits.call(() -> ModelSummary.of(model).table()));
  }
}
