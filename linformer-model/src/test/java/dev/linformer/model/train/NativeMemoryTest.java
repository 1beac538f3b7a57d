package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training holds no more memory after many steps than after a few. In a process of its own, whose
 * heap is all resident from the start: what grows is native. A machine may give a process pages for
 * reasons of its own, and the JVM compiles; but only a leak goes on from each part to the next.
 */
class NativeMemoryTest {

  /** 2 kB a step. */
  private static final long LEAK_KB = 2 * LongTraining.EVERY;

  @TempDir private Path folder;

  @Test
  @EnabledOnOs(OS.LINUX)
  void staysFlat() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms256m",
                "-Xmx256m",
                "-XX:+AlwaysPreTouch",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                LongTraining.class.getName(),
                folder.toString())
            .redirectErrorStream(true)
            .start();
    String output;
    try (var stream = process.getInputStream()) {
      output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertEquals(0, process.waitFor(), output);
    List<Long> resident = numbers(output, "resident");
    assertEquals(LongTraining.TIMES, resident.size(), output);
    System.out.printf("native memory in kB: %s%n", resident);
    long least =
        IntStream.range(1, resident.size())
            .mapToLong(i -> resident.get(i) - resident.get(i - 1))
            .min()
            .orElseThrow();
    assertTrue(least < LEAK_KB, () -> "grew each time: " + resident);
    // A result that is not closed is some hundred bytes, too few to be seen above; by number it is.
    assertTrue(numbers(output, "pointers").get(0) < 100, output);
  }

  private static List<Long> numbers(String output, String name) {
    return Pattern.compile(name + " (\\d+)")
        .matcher(output)
        .results()
        .map(result -> Long.parseLong(result.group(1)))
        .toList();
  }
}
