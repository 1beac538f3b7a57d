package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.Values;
import java.io.IOException;
import java.util.Arrays;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CopyTaskTest {

  private static final CopyTask TASK = new CopyTask(12, 3, 5, 7, 1);

  private static LinformerLMConfig model(int tokens) {
    return LinformerLMConfig.builder(LinformerConfig.builder(12, 4, 3).heads(2).build(), tokens)
        .embeddingDim(4)
        .tokenDropout(0)
        .build();
  }

  /** Five symbols, a separator, five blanks, and a blank that is left over. */
  @Test
  void everySymbolIsAskedForBehindTheSeparator() throws IOException {
    try (TaskData data = TASK.open(model(5))) {
      Batch batch = data.train(4, 2);
      for (int start : new int[] {0, 12}) {
        int[] symbols = Arrays.copyOfRange(batch.tokens(), start, start + 5);
        assertEquals(true, Arrays.stream(symbols).allMatch(each -> each >= 2 && each < 5));
        int[] rest = Arrays.copyOfRange(batch.tokens(), start + 5, start + 12);
        assertArrayEquals(new int[] {1, 0, 0, 0, 0, 0, 0}, rest);
        int[] targets = Arrays.copyOfRange(batch.targets(), start, start + 12);
        int[] expected = new int[12];
        Arrays.fill(expected, Batch.UNSCORED);
        System.arraycopy(symbols, 0, expected, 6, 5);
        assertArrayEquals(expected, targets);
      }
      assertEquals(10, batch.scored());
      assertArrayEquals(batch.tokens(), data.train(4, 2).tokens());
      assertEquals(1.0 / 3, data.test(4).baselines().get(0).value());
    }
  }

  @Test
  void itHasNoEpochs() throws IOException {
    try (TaskData data = TASK.open(model(5))) {
      assertEquals(
          "num_train_epochs: the task copy makes examples without end; give max_steps instead",
          Values.refusal(data::examplesPerEpoch));
    }
  }

  @Test
  void partsDiffer() throws IOException {
    CopyTask task = new CopyTask(31, 8, 5, 7, 1);
    try (TaskData data = task.open(model(10))) {
      int[] test = data.test(7).batches().iterator().next().tokens();
      assertEquals(7 * 31, test.length);
      assertNotEquals(Arrays.toString(test), Arrays.toString(data.train(0, 7).tokens()));
      for (OptionalLong seed : new OptionalLong[] {OptionalLong.empty(), OptionalLong.of(9)}) {
        int[] fresh = data.fresh(seed, 7).batches().iterator().next().tokens();
        assertNotEquals(Arrays.toString(test), Arrays.toString(fresh));
      }
      int rows = 0;
      for (Batch batch : data.validation(3)) {
        rows += batch.size();
      }
      assertEquals(5, rows);
    }
  }

  @Test
  void refusals() {
    assertEquals(
        "m: num_tokens = 4, but the task copy has 5 tokens; set it to 5, or leave it out",
        Values.refusal(() -> TASK.check(model(4), "m")));
    assertEquals(
        "input_size = 2 is too small for the task copy: at least 3 is expected",
        Values.refusal(() -> new CopyTask(2, 3, 5, 7, 1)));
    assertEquals(
        "symbols = 1, but at least 2 is expected",
        Values.refusal(() -> new CopyTask(12, 1, 5, 7, 1)));
    assertEquals(
        "symbols = 2147483647, but at most 16777216 is expected",
        Values.refusal(() -> new CopyTask(12, Integer.MAX_VALUE, 5, 7, 1)));
    assertEquals(TASK, Task.parse(new JsonObjectReader("json", TASK.toJson()), 12));
  }
}
