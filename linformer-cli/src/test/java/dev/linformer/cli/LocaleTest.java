package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands in a process whose default locale writes other digits, as a user's own may be; the
 * program itself sets one without, which is not done here.
 */
class LocaleTest {

  private final Locale all = Locale.getDefault();
  private final Locale format = Locale.getDefault(Locale.Category.FORMAT);
  private final Locale display = Locale.getDefault(Locale.Category.DISPLAY);

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void go() {
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    assertTrue(isForeign(String.format(Locale.getDefault(Locale.Category.FORMAT), "%d", 6)));
  }

  @AfterEach
  void comeBack() {
    Locale.setDefault(all);
    Locale.setDefault(Locale.Category.FORMAT, format);
    Locale.setDefault(Locale.Category.DISPLAY, display);
  }

  private static boolean isForeign(String text) {
    return text.codePoints().anyMatch(point -> point > 127 && Character.isDigit(point));
  }

  private static void assertPlain(Object... arguments) {
    String out = Cli.done(arguments).out();
    assertFalse(isForeign(out), out);
  }

  /** From a training to pictures and exports: neither a name nor a content has such digits. */
  @Test
  void filesHaveDigitsThatProgramsRead() throws IOException {
    Path run = folder.resolve("run");
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    Cli.done(
        "train",
        "--config",
        config,
        "--out",
        run,
        "--steps",
        3,
        "--batch",
        8,
        "--threads",
        1,
        "--set",
        "training_args.save_steps=2",
        "--set",
        "task.num_train=50",
        "--set",
        "task.num_validation=20",
        "--set",
        "task.num_test=20");
    Cli.done("train", "--resume", run);
    assertPlain("eval", "--model", run);
    Path exported = folder.resolve("exported");
    Cli.done("export", "--model", run, "--out", exported, "--formats", "savedmodel,tfjs,onnx");
    Cli.done("plot", "--log", run.resolve("log.jsonl"), "--out", folder.resolve("x.png"));
    Path encoder = Fixtures.config(folder, Fixtures.ENCODER);
    Path model = folder.resolve("model");
    Cli.done("init", "--config", encoder, "--out", model);
    Path weights = folder.resolve("w.safetensors");
    Cli.done("export-weights", "--to", "linformer-pytorch", "--model", model, "--out", weights);
    Path back = folder.resolve("back");
    Cli.done(
        "import",
        "--from",
        "linformer-pytorch",
        "--config",
        encoder,
        "--weights",
        weights,
        "--out",
        back);
    assertEquals(
        -1, Files.mismatch(model.resolve("model.safetensors"), back.resolve("model.safetensors")));
    try (var all = Files.walk(folder)) {
      for (Path path : (Iterable<Path>) all::iterator) {
        assertFalse(isForeign(folder.relativize(path).toString()), path::toString);
        // Arabic digits are two bytes of UTF-8, which weights may have by chance.
        if (path.toString().matches(".*\\.jsonl?")) {
          String text = Files.readString(path, StandardCharsets.UTF_8);
          assertFalse(isForeign(text), () -> path + ": " + text);
        }
      }
    }
  }

  @Test
  void whatIsPrintedForPeopleAndPrograms() throws IOException {
    Path config = Fixtures.config(folder, Fixtures.CLASSIFIER);
    assertPlain("summary", "--config", config, "--memory", "--batch", 2, "--plan");
    assertPlain("summary", "--config", config, "--json", "--memory");
    assertPlain("bench", "--list");
  }

  /** A picture of the same numbers is the same. */
  @Test
  void picturesHaveTheSameDigits() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int step = 1; step <= 50; step++) {
      lines.append("{\"step\":").append(step).append(",\"loss\":").append(3.5 / step).append("}\n");
    }
    Path log = Files.writeString(folder.resolve("log.jsonl"), lines);
    Path there = folder.resolve("there.png");
    Path here = folder.resolve("here.png");
    Cli.done("plot", "--log", log, "--out", there);
    comeBack();
    Cli.done("plot", "--log", log, "--out", here);
    assertEquals(-1, Files.mismatch(here, there));
  }
}
