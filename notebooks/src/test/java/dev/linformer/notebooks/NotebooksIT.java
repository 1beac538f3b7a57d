package dev.linformer.notebooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every notebook from top to bottom on the real kernel, alone. What it shows lies in target/docs
 * afterwards, as CONTRIBUTING.md says.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a script for bash")
class NotebooksIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path DOCS = Path.of("target", "docs").toAbsolutePath();

  /** So that what hangs ends; far above what a notebook takes. */
  private static final Duration LIMIT = Duration.ofMinutes(15);

  /** The heap has its size from the start, so that what grows is memory outside. */
  private static final String FIXED_HEAP = "-Xms400m -Xmx400m -XX:+AlwaysPreTouch";

  private static final int AGAIN = 5;

  /**
   * From the first of these runs to the last. Four runs that aren't closed take 73 MB; four that
   * are took 13, which is the kernel's code for the cells, and after ten more 18 in all.
   */
  private static final long TOLERANCE = 40L << 20;

  @BeforeAll
  static void install() throws IOException {
    Kernel.install();
  }

  static List<Path> others() throws IOException {
    return NotebookFiles.all().stream().filter(file -> !file.equals(first())).toList();
  }

  private static Path first() {
    return Path.of("1-first-model.ipynb").toAbsolutePath();
  }

  @ParameterizedTest
  @MethodSource("others")
  void runs(Path notebook) throws IOException {
    Kernel.run("-Xmx1g", LIMIT, List.of("--out", DOCS.toString(), notebook.toString()));
    assertTrue(Files.size(page(notebook)) > 10_000);
    assertTrue(Files.isRegularFile(DOCS.resolve(NotebookFiles.name(notebook) + "-1.png")));
  }

  private static Path page(Path notebook) {
    return DOCS.resolve(NotebookFiles.name(notebook) + ".html");
  }

  /**
   * The first notebook, and then its training cell five times more in the same kernel: the graph
   * has as many operations as the first time, and the process as much memory.
   */
  @Test
  void runsWithACellThatIsRunAgain() throws IOException {
    Path notebook = first();
    String printed =
        Kernel.run(
            FIXED_HEAP,
            LIMIT,
            List.of(
                "--out",
                DOCS.toString(),
                "--again",
                "train",
                Integer.toString(AGAIN),
                notebook.toString()));
    assertTrue(Files.size(page(notebook)) > 10_000);
    String once = Files.readString(page(notebook));
    JsonNode[] runs =
        printed
            .lines()
            .filter(line -> line.startsWith("{"))
            .map(NotebooksIT::parse)
            .toArray(JsonNode[]::new);
    assertEquals(AGAIN, runs.length, printed);
    String nodes = runs[0].get("printed").asText();
    assertTrue(nodes.matches("\\d+ operations, \\d+ things open"), nodes);
    assertTrue(once.contains(nodes), "the first run printed another number than " + nodes);
    for (JsonNode run : runs) {
      assertEquals(nodes, run.get("printed").asText());
    }
    long[] memory =
        Arrays.stream(runs).mapToLong(run -> run.get("physical_bytes").asLong()).toArray();
    // The first run warms up.
    assertTrue(memory[AGAIN - 1] - memory[0] < TOLERANCE, () -> "grew: " + Arrays.toString(memory));
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new IllegalStateException(line, e);
    }
  }

  /** A cell that can't be right ends the run with its message, and no page is written. */
  @Test
  void aBrokenCellIsSeen(@TempDir Path folder) throws IOException {
    JsonNode root = JSON.readTree(first().toFile());
    ObjectNode broken =
        (ObjectNode)
            StreamSupport.stream(root.get("cells").spliterator(), false)
                .filter(
                    cell -> cell.get("source").toString().contains("notebook.cell(\\\"look\\\")"))
                .findFirst()
                .orElseThrow();
    broken.put("source", "int nodes = \"broken on purpose\";");
    Path notebook = folder.resolve("broken.ipynb");
    JSON.writeValue(notebook.toFile(), root);
    Path out = folder.resolve("out");
    AssertionError failure =
        assertThrows(
            AssertionError.class,
            () -> Kernel.run("", LIMIT, List.of("--out", out.toString(), notebook.toString())));
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.contains("broken on purpose"), message);
    assertTrue(message.contains("CompilationException"), message);
    assertFalse(Files.exists(out.resolve("broken.html")));
  }
}
