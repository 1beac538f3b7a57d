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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code linformer summary} takes; its memory and plans. */
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

  /** The files that the project trains with: by hand, the numbers of weights. */
  @ParameterizedTest
  @CsvSource({"listops-linformer, 1", "listops-full-attention, 0"})
  void takesConfigurationsOfTrainings(String name, int projections) throws IOException {
    long n = 2000;
    long c = 128;
    long k = 128;
    long layer = 4 * c * c + c + 2 * c * 256 + 256 + c + 2 * 2 * c;
    Path file = Path.of("..", "configs", name + ".json");
    JsonNode json =
        new ObjectMapper().readTree(Cli.done("summary", "--config", file, "--json").out());
    assertEquals(
        16 * c + n * c + projections * (n * k + k) + 2 * layer + c * 10 + 10,
        json.get("parameters").longValue(),
        name);
  }

  /** What a task needs besides, such as files to learn from, is no part of the model. */
  @Test
  void asksForNoData() throws IOException {
    String model = ENCODER.replace("{", "{\"model_type\":\"lm\",\"num_tokens\":257,");
    String plain = Cli.done("summary", "--config", Fixtures.config(folder, model)).out();
    for (String settings :
        new String[] {
          "\"training_args\":{\"eval_steps\":3},\"task\":{\"name\":\"masked-lm\"}",
          "\"training_args\":{}",
          "\"task\":{}"
        }) {
      Path file = Fixtures.config(folder, model.replace("}", "," + settings + "}"));
      assertEquals(plain, Cli.done("summary", "--config", file).out(), settings);
    }
  }

  @Test
  void refusesAnEmptyBatch() {
    Cli cli = Cli.run("summary", "--config", config, "--memory", "--batch", 0);
    assertEquals(2, cli.code());
    assertEquals("linformer summary: batch = 0, but at least 1 is expected", cli.err().strip());
  }
}
