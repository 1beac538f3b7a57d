package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A process of its own that prints lines; killed at the end if it still runs. */
final class Child implements AutoCloseable {

  /** So that what hangs ends; nothing is measured by it. */
  static final Duration PATIENCE = Duration.ofMinutes(10);

  private final Process process;
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final Thread reader;

  /** The command line in a virtual machine of its own. */
  static Child linformer(Object... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    if (Files.exists(Path.of("/proc/self/status"))) {
      // A build in the background may ignore SIGINT, and its children then would, too.
      command.addAll(List.of("env", "--default-signal=INT"));
    }
    command.addAll(java("-Xmx1g", Main.class.getName()));
    Arrays.stream(arguments).map(Object::toString).forEach(command::add);
    return start(command);
  }

  /** A virtual machine with the class path of the tests. */
  static List<String> java(String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path")));
    command.addAll(List.of(arguments));
    return command;
  }

  static Child start(List<String> command) throws IOException {
    return new Child(new ProcessBuilder(command).redirectErrorStream(true).start());
  }

  private Child(Process process) {
    this.process = process;
    reader = new Thread(this::read);
    reader.start();
  }

  private void read() {
    try (BufferedReader output = process.inputReader()) {
      output.lines().forEach(lines::add);
    } catch (IOException | UncheckedIOException e) {
      lines.add("the output ended: " + e);
    }
  }

  /** All lines so far. */
  String output() {
    return String.join("\n", lines);
  }

  /** Waits until something holds; fails if it doesn't, or the process ends before. */
  void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        fail(what + " didn't come; printed was\n" + output());
      }
      Thread.sleep(20);
    }
  }

  /** Waits for a line that begins that way. */
  void awaitLine(String start) throws InterruptedException {
    await(start, () -> lines.stream().anyMatch(line -> line.startsWith(start)));
  }

  /** Sends a signal, such as INT. */
  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
        .inheritIO()
        .start()
        .waitFor();
  }

  /** Waits for the end and returns the exit code. */
  int end(Duration limit) throws InterruptedException {
    boolean ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    assertTrue(ended, () -> "still running after " + limit + "; printed was\n" + output());
    reader.join(PATIENCE.toMillis());
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
