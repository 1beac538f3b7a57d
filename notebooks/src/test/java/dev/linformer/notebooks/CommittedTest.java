package dev.linformer.notebooks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The notebooks as they lie in the repository. */
class CommittedTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path RENDERED = Path.of("..", "docs", "notebooks");
  private static final long LARGEST_PAGE = 600_000;

  static List<Path> notebooks() throws IOException {
    return NotebookFiles.all();
  }

  @Test
  void thereAreFive() throws IOException {
    assertEquals(5, notebooks().size());
  }

  /** What was computed is in docs/notebooks, and would be noise in every change. */
  @ParameterizedTest
  @MethodSource("notebooks")
  void holdsNoOutputs(Path notebook) throws IOException {
    Set<String> ids = new HashSet<>();
    for (JsonNode cell : JSON.readTree(notebook.toFile()).get("cells")) {
      String source = cell.get("source").toString();
      assertTrue(ids.add(cell.get("id").asText()), () -> "two cells have the id of " + source);
      if (cell.get("cell_type").asText().equals("code")) {
        assertEquals(0, cell.get("outputs").size(), source);
        assertTrue(cell.get("execution_count").isNull(), source);
      }
    }
  }

  /** Both kernels are called java, and say this of their language. */
  @ParameterizedTest
  @MethodSource("notebooks")
  void opensInBothKernels(Path notebook) throws IOException {
    JsonNode root = JSON.readTree(notebook.toFile());
    assertEquals(4, root.get("nbformat").intValue());
    assertEquals(
        JSON.readTree(
            """
            {"kernelspec": {"display_name": "Java", "language": "java", "name": "java"},
             "language_info": {"codemirror_mode": "java", "file_extension": ".jshell",
              "mimetype": "text/x-java-source", "name": "Java", "pygments_lexer": "java"}}"""),
        root.get("metadata"));
    String text = Files.readString(notebook);
    for (String own : List.of("jjava", "JJAVA", "ijava", "IJAVA", "%maven", "%classpath")) {
      assertFalse(text.contains(own), own + " is one kernel's, or one machine's");
    }
  }

  @ParameterizedTest
  @MethodSource("notebooks")
  void hasAPageOfItsOutputs(Path notebook) throws IOException {
    Path page = RENDERED.resolve(NotebookFiles.name(notebook) + ".html");
    assertTrue(Files.isRegularFile(page), () -> page + " is missing: see CONTRIBUTING.md");
    assertTrue(Files.size(page) < LARGEST_PAGE, () -> page + " is too large");
    assertTrue(Files.isRegularFile(RENDERED.resolve(NotebookFiles.name(notebook) + "-1.png")));
  }
}
