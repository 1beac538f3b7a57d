package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.bench.Benchmark;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {

  static final String WORK =
      "{\"name\":\"tiny\",\"training\":%s,\"steps\":2,\"warmup\":1,\"seconds\":0,\"config\":{\"input_size\":64,\"channels\":8,"
          + "\"dim_k\":4,\"dim_ff\":16,\"dim_d\":5,\"nhead\":3,\"dropout\":0,\"dropout_ff\":0,"
          + "\"checkpoint_level\":\"%s\",\"precision\":\"%s\",\"chunk\":24}}";

  /** After the first step one that counts: {@code seconds} is 0. */
  private static JsonNode measured(boolean training, String level, String precision)
      throws IOException {
    return measured(WORK.formatted(training, level, precision));
  }

  private static JsonNode measured(String work) throws IOException {
    return json("bench", "--work", work);
  }

  private static JsonNode json(Object... arguments) throws IOException {
    return new ObjectMapper().readTree(Cli.done(arguments).out());
  }

  private static List<String> lines(Object... arguments) {
    return Cli.done(arguments).out().lines().toList();
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
  void profileSaysWhatTakesTheTime() throws IOException {
    String work = WORK.formatted(true, "C0", "float32");
    JsonNode rows = json("bench", "--profile", "--work", work).get("profile");
    double before = Double.MAX_VALUE;
    int products = 0;
    for (JsonNode row : rows) {
      assertTrue(row.get("us").asDouble() <= before, rows::toString);
      before = row.get("us").asDouble();
      products += row.get("what").asText().contains("MatMul") ? row.get("count").asInt() : 0;
    }
    assertTrue(products > 10, rows::toString);
    assertFalse(measured(work).has("profile"));
  }

  @Test
  void profileIsPrintedUnderItsWork() {
    List<String> lines =
        lines("bench", "--only", "c=64 .* infer FLOAT32", "--steps", "1", "--profile");
    assertEquals(2 + 13, lines.size(), lines::toString); // a head, the work, 12 rows and the others
    assertTrue(lines.get(1).startsWith("n=16384 c=64 "), lines::toString);
    assertTrue(lines.get(2).matches(" +\\d+ µs +\\d+ × \\w+"), lines::toString);
    assertTrue(lines.get(14).endsWith(" × others"), lines::toString);
  }

  @Test
  void listsTheWorksOfASuite() {
    List<String> lines = lines("bench", "--suite", "readme", "--only", "train FLOAT32", "--list");
    assertEquals(4, lines.size());
    for (String line : lines) {
      assertTrue(line.contains("\"input_size\":262144"), line);
    }
  }

  @Test
  void kernelsAreListed() {
    for (boolean wanted : new boolean[] {true, false}) {
      List<String> lines =
          wanted
              ? lines("bench", "--suite", "readme", "--list")
              : lines("bench", "--suite", "readme", "--kernels", "false", "--list");
      assertFalse(lines.isEmpty());
      for (String line : lines) {
        assertTrue(line.contains("\"kernels\":%s,".formatted(wanted)), line);
      }
    }
  }

  @Test
  void refusesWhatCannotBe() {
    refused("--kernels", "bench", "--kernels", "maybe", "--list");
    refused("--steps = 0, but at least 1 is expected", "bench", "--steps", "0");
    refused("--memory-limit = -1, but at least 0 is expected", "bench", "--memory-limit", "-1");
    refused("--work: a JSON object {…} is expected", "bench", "--work", "[]");
    refused("--only: not a regular expression", "bench", "--only", "(");
    refused("--work: not valid JSON", "bench", "--work", "{");
  }

  @Test
  void refusesALimitThatNothingWouldKeep() {
    assumeFalse(Benchmark.hasGpu());
    String message =
        "a memory limit of 900 MiB is for a GPU's memory, and nvidia-smi finds no GPU here";
    refused(message, "bench", "--suite", "cpu", "--memory-limit", "900");
    String work =
        WORK.formatted(true, "C0", "float32")
            .replace("\"steps\"", "\"memory_limit_mib\":900,\"steps\"");
    refused(message, "bench", "--work", work);
  }

  @Test
  void suitesHoldWhatLimitsAreSoughtFor() {
    assertEquals(12, names("depth", "depth=(2|6|12) .* C[0-3]$").size());
    assertEquals(8, names("heads", " C[12]$").size());
    assertEquals(5, names("length", "n=(65536|131072|262144|524288|1048576) .* C3$").size());
  }

  private static List<String> names(String suite, String only) {
    return lines("bench", "--suite", suite, "--only", only, "--list");
  }

  private static void refused(String message, Object... arguments) {
    Cli cli = Cli.run(arguments);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains(message), cli.err());
  }
}
