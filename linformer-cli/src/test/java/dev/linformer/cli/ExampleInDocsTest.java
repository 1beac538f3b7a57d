package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The README's first example is in examples/LongSequence.java, which a test of examples runs. */
class ExampleInDocsTest {

  @Test
  void theReadmesExampleIsTheFilesText() throws IOException {
    Set<String> file =
        Files.readAllLines(Markdown.ROOT.resolve("examples/LongSequence.java")).stream()
            .map(String::strip)
            .collect(Collectors.toSet());
    String example = Markdown.read("README.md").fences("java").get(0);
    assertEquals(
        List.of(),
        example
            .lines()
            .map(line -> line.replaceFirst(" // \\[.*\\]$", "").strip())
            .filter(line -> !file.contains(line))
            .toList());
  }
}
