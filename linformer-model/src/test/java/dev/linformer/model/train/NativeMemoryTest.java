package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A training holds no more memory after many steps than after a few. In a process of its own, whose
 * heap is all resident from the start: what grows is native.
 */
class NativeMemoryTest {

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
    assertEquals(2, resident.size(), output);
    long first = resident.get(0);
    long last = resident.get(1);
    System.out.printf("native memory: from %,d kB to %,d kB%n", first, last);
    assertTrue(last <= first * 1.02, "from %,d kB to %,d kB".formatted(first, last));
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
