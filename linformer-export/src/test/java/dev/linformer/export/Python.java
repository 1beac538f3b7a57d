package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** A Python of the tests' own with TensorFlow in it, made once under target/. */
final class Python {

  private static final String REQUIREMENT =
      (System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac")
              ? "tensorflow"
              : "tensorflow-cpu")
          + "==2.21.0";
  private static final Path VENV = Path.of("target", "python-venv").toAbsolutePath();
  private static final Path MARKER = VENV.resolve("complete");
  private static final Duration INSTALL = Duration.ofMinutes(10);
  private static final Duration RUN = Duration.ofMinutes(3);

  private Python() {}

  /** Runs a script from the test resources; fails with all that it printed unless it ends well. */
  static String run(String script, List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                interpreter().toString(),
                Path.of("src", "test", "resources", script).toAbsolutePath().toString()));
    command.addAll(arguments);
    return execute(command, RUN);
  }

  private static synchronized Path interpreter() throws IOException {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    Path python = windows ? VENV.resolve("Scripts/python.exe") : VENV.resolve("bin/python");
    if (Files.isRegularFile(MARKER) && Files.readString(MARKER).equals(REQUIREMENT)) {
      return python;
    }
    WholeFile.delete(VENV);
    Files.createDirectories(VENV.getParent());
    execute(List.of(windows ? "python" : "python3", "-m", "venv", VENV.toString()), INSTALL);
    execute(
        List.of(
            python.toString(),
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--progress-bar=off",
            REQUIREMENT),
        INSTALL);
    Files.writeString(MARKER, REQUIREMENT);
    return python;
  }

  private static String execute(List<String> command, Duration limit) throws IOException {
    Path output = Files.createTempFile("python", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(limit.toSeconds(), TimeUnit.SECONDS);
      process.destroyForcibly();
      String printed = Files.readString(output);
      assertTrue(ended, () -> command + " took more than " + limit + "; it printed\n" + printed);
      assertEquals(0, process.exitValue(), () -> command + " failed; it printed\n" + printed);
      return printed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(command + " was interrupted", e);
    } finally {
      Files.deleteIfExists(output);
    }
  }
}
