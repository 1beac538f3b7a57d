package dev.linformer.export;

import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A Python of the tests' own with TensorFlow in it, made once under target/. */
final class Python {

  private static final List<String> REQUIREMENTS =
      List.of(
          (System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac")
                  ? "tensorflow"
                  : "tensorflow-cpu")
              + "==2.21.0",
          "onnxruntime==1.32.0");

  /** One for all modules, whose tests run in their folders. */
  private static final Path VENV =
      Path.of("..", "linformer-export", "target", "python-venv").toAbsolutePath().normalize();

  private static final Path MARKER = VENV.resolve("complete");
  private static final Duration INSTALL = Duration.ofMinutes(10);
  private static final Duration RUN = Duration.ofMinutes(3);

  private Python() {}

  /** Runs a script from the test resources; fails with all that it printed unless it ends well. */
  static String run(String script, List<String> arguments) throws IOException {
    return run(Path.of("src", "test", "resources", script), arguments);
  }

  /** Runs a script; fails with all that it printed unless it ends well. */
  static String run(Path script, List<String> arguments) throws IOException {
    List<String> command =
        new ArrayList<>(List.of(interpreter().toString(), script.toAbsolutePath().toString()));
    command.addAll(arguments);
    return Commands.run(command, RUN, Map.of());
  }

  static synchronized Path interpreter() throws IOException {
    boolean windows = System.getProperty("os.name").startsWith("Windows");
    Path python = windows ? VENV.resolve("Scripts/python.exe") : VENV.resolve("bin/python");
    if (Files.isRegularFile(MARKER)
        && Files.readString(MARKER).equals(String.join(" ", REQUIREMENTS))) {
      return python;
    }
    WholeFile.delete(VENV);
    Files.createDirectories(VENV.getParent());
    Commands.run(
        List.of(windows ? "python" : "python3", "-m", "venv", VENV.toString()), INSTALL, Map.of());
    List<String> install =
        new ArrayList<>(
            List.of(
                python.toString(),
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--progress-bar=off"));
    install.addAll(REQUIREMENTS);
    Commands.run(install, INSTALL, Map.of());
    Files.writeString(MARKER, String.join(" ", REQUIREMENTS));
    return python;
  }
}
