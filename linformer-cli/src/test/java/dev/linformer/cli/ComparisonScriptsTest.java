package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Python scripts of benchmarks/, which run without PyTorch as long as no peer does. */
class ComparisonScriptsTest {

  private static final Path BENCHMARKS = Path.of("..", "benchmarks").toAbsolutePath().normalize();

  @TempDir Path folder;

  private static List<String> script(String name, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("python3", BENCHMARKS.resolve(name).toString()));
    command.addAll(List.of(arguments));
    return Commands.run(command, Child.PATIENCE, Map.of()).lines().toList();
  }

  private static List<String> compare(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(List.of("--linformer", String.join(" ", Child.java(Main.class.getName()))));
    return script("compare.py", all.toArray(String[]::new));
  }

  /** docs/benchmarks.md is what docs/benchmarks/*.json say. */
  @Test
  void tablesAreUpToDate() throws Exception {
    assertEquals(List.of(), script("tables.py", "--check"));
  }

  @Test
  void everyPeerRunsWhereItCan() throws Exception {
    List<String> works = compare("--suite", "cpu", "--dry-run");
    assertEquals(
        List.of(
            "n=16384 c=64 k=128 h=4 depth=2 infer FLOAT32 C0 | ours | reference | lucidrains | fused | fused compiled",
            "n=16384 c=64 k=128 h=4 depth=2 train FLOAT32 C1 | ours | reference"),
        List.of(works.get(0), works.get(2)));
    assertTrue(
        works.get(5).endsWith("| fused | fused compiled | full | full compiled"), works.get(5));
  }

  @Test
  void measuresAndWritesWhatItHas() throws Exception {
    Path json = folder.resolve("figures.json");
    Path table = folder.resolve("table.md");
    List<String> options =
        List.of("--suite", "cpu", "--peers", "--steps", "2", "--json", json.toString());
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("--only", "c=64 .* infer", "--table", table.toString()));
    compare(all.toArray(String[]::new));
    JsonNode figures = new ObjectMapper().readTree(json.toFile());
    JsonNode ours = figures.at("/works/0/programs/ours");
    assertTrue(ours.get("steps").asInt() >= 2, ours::toString);
    assertTrue(ours.get("q1_ms").asDouble() <= ours.get("median_ms").asDouble(), ours::toString);
    assertTrue(ours.get("rss_mib").asDouble() > 100, ours::toString);
    assertTrue(ours.get("plan").asText().contains("W_O"), ours::toString);
    assertEquals("2.18.0", figures.at("/versions/tensorflow").asText());
    assertTrue(
        Files.readString(table).contains("| **this library**, C0, float32 |"), () -> table + "");

    List<String> late = new ArrayList<>(options);
    late.addAll(List.of("--budget-s", "0"));
    compare(late.toArray(String[]::new));
    figures = new ObjectMapper().readTree(json.toFile());
    assertEquals(0, figures.get("works").size());
    assertEquals(10, figures.get("skipped").size());
  }
}
