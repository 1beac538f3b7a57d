package dev.linformer.export;

import dev.linformer.io.internal.AtomicFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A virtual environment of the tests' own. It is made once for a user and shared by all checkouts,
 * in the folder {@code linformer/venv} of the user's cache: {@code $XDG_CACHE_HOME} or {@code
 * ~/.cache}. Runs that want it at the same time wait for each other. It may be deleted.
 *
 * @param name of what it is for
 * @param requirements what is installed, with versions
 */
public record Venv(String name, List<String> requirements) {

  private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");
  private static final Duration INSTALL = Duration.ofMinutes(30); // ends what hangs

  /** Its Python, after it was installed if it wasn't there. */
  public Path python() throws IOException {
    synchronized (Venv.class) {
      Path cache = cache();
      Path folder = cache.resolve(name + "-" + version());
      Path lock = cache.resolve(folder.getFileName() + ".lock");
      try (FileChannel channel =
          FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock(); // until it is closed
        install(folder);
      }
      return python(folder);
    }
  }

  private static Path cache() throws IOException {
    String given = System.getenv("XDG_CACHE_HOME");
    Path cache =
        given == null || given.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(given);
    return Files.createDirectories(cache.resolve("linformer").resolve("venv"));
  }

  /** Another Python, or other requirements, make another environment. */
  private String version() throws IOException {
    String system =
        Commands.run(
            List.of(
                WINDOWS ? "python" : "python3",
                "-c",
                "import sys; print(sys.version, sys.executable)"),
            INSTALL,
            Map.of());
    CRC32C hash = new CRC32C();
    hash.update((system + requirements).getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(hash.getValue());
  }

  private static Path python(Path folder) {
    return folder.resolve(WINDOWS ? "Scripts/python.exe" : "bin/python");
  }

  private void install(Path folder) throws IOException {
    Path marker = folder.resolve("complete");
    if (Files.isRegularFile(marker)) {
      return;
    }
    AtomicFolder.delete(folder);
    Commands.run(
        List.of(WINDOWS ? "python" : "python3", "-m", "venv", folder.toString()),
        INSTALL,
        Map.of());
    List<String> install =
        new ArrayList<>(
            List.of(
                python(folder).toString(),
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--progress-bar=off"));
    install.addAll(requirements);
    Commands.run(install, INSTALL, Map.of());
    Files.createFile(marker);
  }
}
