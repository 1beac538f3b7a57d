package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Other programs. */
public final class Commands {

  private Commands() {}

  /** Runs one; fails with all that it printed unless it ends well and in time. */
  public static String run(List<String> command, Duration limit, Map<String, String> environment)
      throws IOException {
    return run(command, Path.of("").toAbsolutePath(), limit, environment);
  }

  /** Runs one in a folder; fails as {@link #run(List, Duration, Map)}. */
  public static String run(
      List<String> command, Path folder, Duration limit, Map<String, String> environment)
      throws IOException {
    return run(0, command, folder, limit, environment);
  }

  /** Runs one that has to end with a code, and in time; fails with all that it printed. */
  public static String run(
      int code, List<String> command, Path folder, Duration limit, Map<String, String> environment)
      throws IOException {
    Path output = Files.createTempFile("command", ".log");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile());
      builder.environment().putAll(environment);
      Process process = builder.start();
      boolean ended = process.waitFor(limit.toSeconds(), TimeUnit.SECONDS);
      process.descendants().forEach(ProcessHandle::destroyForcibly); // such as a notebook's kernel
      process.destroyForcibly();
      String printed = Files.readString(output);
      assertTrue(ended, () -> command + " took more than " + limit + "; it printed\n" + printed);
      assertEquals(
          code, process.exitValue(), () -> command + " ended otherwise; it printed\n" + printed);
      return printed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(command + " was interrupted", e);
    } finally {
      Files.deleteIfExists(output);
    }
  }
}
