package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory and plans of {@code linformer summary}. */
class SummaryTest {

  private static final String ENCODER =
      "{\"input_size\":1031,\"channels\":12,\"dim_k\":17,\"dim_d\":5,\"nhead\":3,\"dim_ff\":41,\"depth\":2}";

  @TempDir private Path folder = Path.of("");
  private Path config = Path.of("");

  @BeforeEach
  void write() throws IOException {
    config = Fixtures.config(folder, ENCODER);
  }

  @Test
  void printsATableOfLevels() {
    String out = Cli.done("summary", "--config", config, "--memory", "--batch", 3).out();
    assertTrue(out.contains("memory of a training step, batch 3, estimated, in MiB"), out);
    for (String line :
        new String[] {
          "C0  everything is kept",
          "C1  each half layer is computed again",
          "C2  the heads too, some at a time",
          "C3  some positions at a time",
          "weights 0.1 MiB; the moments of AdamW take 0.2 MiB more"
        }) {
      assertTrue(out.contains(line), out);
    }
  }

  @Test
  void printsTheOrderOfProducts() {
    String out = Cli.done("summary", "--config", config, "--plan").out();
    assertTrue(out.contains("seq.0 (n 1031, c 12, h 3, d 5, k 17)"), out);
    assertTrue(out.contains("seq.2 (n 1031"), out);
    assertEquals(4, out.split("cost    1.00  chosen", -1).length - 1, out);
    assertEquals(4 * 8, out.split(" cost ", -1).length - 1, out);
  }

  @Test
  void jsonHasTheSame() throws IOException {
    JsonNode json =
        new ObjectMapper()
            .readTree(
                Cli.done("summary", "--config", config, "--memory", "--plan", "--json").out());
    JsonNode memory = json.get("memory");
    assertEquals(1, memory.get("batch").intValue());
    assertEquals(json.get("bytes").longValue(), memory.get("weight_bytes").longValue());
    long kept = memory.get("peak_bytes").get("C0").longValue();
    assertTrue(kept > 4L * 2 * 1031 * 3 * 17, memory::toString);
    assertTrue(memory.get("peak_bytes").get("C1").longValue() < kept, memory::toString);
    JsonNode first = json.get("attentions").get(0);
    assertEquals("seq.0", first.get("name").textValue());
    assertEquals(8, first.get("training").size());
    assertTrue(first.get("inference").get(0).get("chosen").booleanValue(), first::toString);
  }

  @Test
  void refusesAnEmptyBatch() {
    Cli cli = Cli.run("summary", "--config", config, "--memory", "--batch", 0);
    assertEquals(2, cli.code());
    assertEquals("linformer summary: batch = 0, but at least 1 is expected", cli.err().strip());
  }
}
