package dev.linformer.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The most memory of the first NVIDIA GPU that was in use while this is open, as nvidia-smi saw it
 * every few milliseconds.
 */
final class DeviceMemory implements AutoCloseable {

  private static final String EVERY_MS = "10";

  private final Process process;
  private final Thread reader;
  private volatile long most;

  /** MiB in use now; empty where there is no nvidia-smi. */
  static OptionalLong now() {
    Optional<String> line = first(query("memory.used"));
    return line.isPresent() ? OptionalLong.of(Long.parseLong(line.get())) : OptionalLong.empty();
  }

  /** MiB that the GPU has. */
  static long total() {
    return first(query("memory.total")).map(Long::parseLong).orElse(Long.MAX_VALUE);
  }

  /** The GPU's name. */
  static Optional<String> device() {
    return first(query("name"));
  }

  private static Optional<String> first(ProcessBuilder builder) {
    try {
      Process process = builder.start();
      try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
        return Optional.ofNullable(lines.readLine()).map(String::strip);
      }
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static ProcessBuilder query(String what, String... more) {
    ProcessBuilder builder =
        new ProcessBuilder("nvidia-smi", "--query-gpu=" + what, "--format=csv,noheader,nounits");
    builder.command().addAll(List.of(more));
    return builder.redirectError(ProcessBuilder.Redirect.DISCARD);
  }

  /** Begins to watch; only where {@link #now} gives something. */
  DeviceMemory() throws IOException {
    process = query("memory.used", "-lms", EVERY_MS).start();
    reader =
        new Thread(
            () -> {
              try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  most = Math.max(most, Long.parseLong(line.strip()));
                }
              } catch (IOException e) {
                // The process was ended.
              }
            },
            "nvidia-smi");
    reader.start();
  }

  /** MiB. */
  long most() {
    return most;
  }

  @Override
  public void close() {
    process.destroy();
    try {
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
