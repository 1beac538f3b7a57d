package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.io.internal.JsonLines;
import dev.linformer.model.Values;
import dev.linformer.model.train.TrainingListener.StepReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogTest {

  @TempDir private Path folder = Path.of("");

  private static StepReport report(int step) {
    return new StepReport(step, 9, 1.0 / step, 0.5, 0.25, 2, 7, 0.125);
  }

  private static List<String> lines(Path file) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      JsonNode json = new ObjectMapper().readTree(line);
      lines.add(
          json.get("step")
              + (json.has("loss") ? " loss " : " eval_loss ")
              + (json.has("loss") ? json.get("loss") : json.get("eval_loss")));
    }
    return lines;
  }

  /** A crash leaves lines of steps that are lost, and half a line. */
  @Test
  void goesOnBehindTheStepThatIsResumed() throws IOException {
    Path file = folder.resolve("log.jsonl");
    try (RunLog log = RunLog.open(file, 0)) {
      for (int step = 1; step <= 4; step++) {
        log.onStep(report(step));
        log.onEvaluation(step, new Evaluation(3, 0.5, 11));
      }
    }
    Files.writeString(file, "{\"step\":5,\"lo", StandardOpenOption.APPEND);
    try (RunLog log = RunLog.open(file, 2)) {
      log.onStep(report(3));
    }
    assertEquals(
        List.of(
            "1 loss 1.0", "1 eval_loss 3.0", "2 loss 0.5", "2 eval_loss 3.0", "3 loss " + 1.0 / 3),
        lines(file));
    JsonNode first = new ObjectMapper().readTree(Files.readAllLines(file).get(0));
    assertEquals(0.25, first.get("learning_rate").doubleValue());
    assertEquals(2, first.get("grad_norm").doubleValue());
    assertEquals(7, first.get("tokens").intValue());
    assertEquals(0.125, first.get("waited").doubleValue());
    assertEquals(0.5, first.get("accuracy").doubleValue());
  }

  @Test
  void halfALineAloneIsCut() throws IOException {
    Path file = Files.writeString(folder.resolve("log.jsonl"), "{\"step\":1");
    try (RunLog log = RunLog.open(file, 7)) {
      log.onStep(report(8));
    }
    assertEquals(List.of("8 loss 0.125"), lines(file));
  }

  /** A kill may cut the last line anywhere, within a character too; nothing else is passed over. */
  @Test
  void onlyALastLineMayBeCut() throws IOException {
    String whole = "{\"step\":1,\"loss\":2}\n{\"step\":2,\"note\":\"é\"}\n{\"step\":3}\n";
    byte[] bytes = whole.getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve("log.jsonl");
    for (int length = 0; length <= bytes.length; length++) {
      Files.write(file, Arrays.copyOf(bytes, length));
      int ends = 0;
      for (int i = 0; i < length; i++) {
        ends += bytes[i] == '\n' || (bytes[i] == '}' && i == length - 1) ? 1 : 0;
      }
      assertEquals(ends, steps(file).size(), "of " + length + " bytes");
    }
    Files.writeString(file, '\ufeff' + whole + "\n\0\0\0\0"); // a machine that lost its power
    assertEquals(List.of(1, 2, 3), steps(file));
    for (String middle : List.of("{\"st", "{\"step\":2}{\"step\":2}", "no JSON")) {
      Files.writeString(file, "{\"step\":1}\n" + middle + "\n{\"step\":3}\n");
      assertEquals("x, line 2: not valid JSON", Values.refusal(() -> steps(file)));
      String message = Values.refusal(() -> RunLog.open(file, 3).close());
      assertEquals(file + ", line 2: not valid JSON", message);
      assertEquals("{\"step\":1}", Files.readAllLines(file).get(0));
    }
    Files.writeString(file, "{\"step\":1}\n" + "x".repeat(2_000_000));
    assertEquals("x, line 2: more than 1048576 characters", Values.refusal(() -> steps(file)));
  }

  private static List<Integer> steps(Path file) throws IOException {
    List<Integer> steps = new ArrayList<>();
    JsonLines.read("x", file, (text, json) -> steps.add(json.get("step").intValue()));
    return steps;
  }
}
