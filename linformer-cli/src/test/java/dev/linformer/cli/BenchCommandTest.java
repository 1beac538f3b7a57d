package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {

  private static final String WORK =
      "{\"name\":\"tiny\",\"training\":%s,\"steps\":2,\"warmup\":1,\"config\":{\"input_size\":64,\"channels\":8,"
          + "\"dim_k\":4,\"dim_ff\":16,\"dim_d\":5,\"nhead\":3,\"dropout\":0,\"dropout_ff\":0,"
          + "\"checkpoint_level\":\"%s\",\"precision\":\"%s\",\"chunk\":24}}";

  private static JsonNode measured(boolean training, String level, String precision)
      throws IOException {
    String work = WORK.formatted(training, level, precision);
    return new ObjectMapper().readTree(Cli.done("bench", "--work", work).out());
  }

  @Test
  void trainsAndSaysHowLongItTook() throws IOException {
    JsonNode kept = measured(true, "C0", "float32");
    assertTrue(kept.get("median_ms").asDouble() >= kept.get("min_ms").asDouble());
    assertTrue(kept.get("loss").asDouble() < kept.get("first_loss").asDouble());
    assertEquals(
        kept.get("loss").asDouble(), measured(true, "C3", "float32").get("loss").asDouble(), 1e-5);
    assertEquals(
        kept.get("loss").asDouble(), measured(true, "C0", "bf16").get("loss").asDouble(), 1e-2);
  }

  @Test
  void listsTheWorksOfASuite() {
    List<String> lines =
        Cli.done("bench", "--suite", "readme", "--only", "train FLOAT32", "--list")
            .out()
            .lines()
            .toList();
    assertEquals(4, lines.size());
    for (String line : lines) {
      assertTrue(line.contains("\"input_size\":262144"), line);
    }
  }

  @Test
  void refusesWhatCannotBe() {
    refused("--steps = 0, but at least 1 is expected", "bench", "--steps", "0");
    refused("--memory-limit = -1, but at least 0 is expected", "bench", "--memory-limit", "-1");
    refused("--work: a JSON object is expected", "bench", "--work", "[]");
    refused("--only: not a regular expression", "bench", "--only", "(");
    refused("--work: not valid JSON", "bench", "--work", "{");
  }

  private static void refused(String message, Object... arguments) {
    Cli cli = Cli.run(arguments);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains(message), cli.err());
  }
}
