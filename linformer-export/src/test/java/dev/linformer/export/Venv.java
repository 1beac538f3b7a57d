package dev.linformer.export;

import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A virtual environment of the tests' own, made once.
 *
 * @param folder below a target/
 * @param requirements what is installed, with versions
 */
public record Venv(Path folder, List<String> requirements) {

  private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
  private static final Duration INSTALL = Duration.ofMinutes(10);

  /** Its Python, after it was installed if it wasn't there. */
  public Path python() throws IOException {
    synchronized (Venv.class) {
      install();
    }
    return folder.resolve(WINDOWS ? "Scripts/python.exe" : "bin/python");
  }

  private void install() throws IOException {
    Path marker = folder.resolve("complete");
    String wanted = String.join(" ", requirements);
    if (Files.isRegularFile(marker) && Files.readString(marker).equals(wanted)) {
      return;
    }
    WholeFile.delete(folder);
    Files.createDirectories(folder.getParent());
    Commands.run(
        List.of(WINDOWS ? "python" : "python3", "-m", "venv", folder.toString()),
        INSTALL,
        Map.of());
    Path python = folder.resolve(WINDOWS ? "Scripts/python.exe" : "bin/python");
    List<String> install =
        new ArrayList<>(
            List.of(
                python.toString(),
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--progress-bar=off"));
    install.addAll(requirements);
    Commands.run(install, INSTALL, Map.of());
    Files.writeString(marker, wanted);
  }
}
