package dev.linformer.export;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A Python of the tests' own with TensorFlow in it, made once. */
public final class Python {

  private static final List<String> REQUIREMENTS =
      List.of(
          (System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac")
                  ? "tensorflow"
                  : "tensorflow-cpu")
              + "==2.21.0",
          "onnxruntime==1.32.0",
          "ai-edge-litert==2.3.0");

  private static final Venv VENV = new Venv("tensorflow", REQUIREMENTS);

  private static final Duration RUN = Duration.ofMinutes(20); // ends what hangs

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

  /** Its program. */
  public static Path interpreter() throws IOException {
    return VENV.python();
  }
}
