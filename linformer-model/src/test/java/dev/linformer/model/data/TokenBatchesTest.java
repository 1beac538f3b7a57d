package dev.linformer.model.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TokenBatchesTest {
  /** Example i has the tokens i + 1, ..., i + 1, as many as i % 5 + 1, and the label i. */
  private static List<Example> examples(int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Example(IntStream.generate(() -> i + 1).limit(i % 5 + 1).toArray(), i))
        .toList();
  }

  private static List<Integer> labels(TokenBatches batches, long fromStep, int steps) {
    List<Integer> labels = new ArrayList<>();
    for (long step = fromStep; step < fromStep + steps; step++) {
      Arrays.stream(batches.batch(step).targets()).forEach(labels::add);
    }
    return labels;
  }

  @Test
  void padsToTheInputSize() {
    Batch batch = TokenBatches.inOrder(examples(3), 3, 4).iterator().next();
    assertEquals(3, batch.size());
    assertArrayEquals(new int[] {1, 0, 0, 0, 2, 2, 0, 0, 3, 3, 3, 0}, batch.tokens());
    assertArrayEquals(new int[] {0, 1, 2}, batch.targets());
  }

  @Test
  void rowsBelongToTheirLabels() {
    Batch batch = new TokenBatches(examples(23), 7, 5, 1).batch(2);
    for (int row = 0; row < 7; row++) {
      int label = batch.targets()[row];
      for (int i = 0; i < 5; i++) {
        assertEquals(i <= label % 5 ? label + 1 : 0, batch.tokens()[row * 5 + i]);
      }
    }
  }

  @Test
  void anEpochHasEachExampleOnce() {
    TokenBatches batches = new TokenBatches(examples(21), 7, 5, 1);
    assertEquals(3, batches.batchesPerEpoch());
    assertEquals(21, new HashSet<>(labels(batches, 0, 3)).size());
    assertEquals(21, new HashSet<>(labels(batches, 3, 3)).size());
    assertNotEquals(labels(batches, 0, 3), labels(batches, 3, 3));
  }

  @Test
  void theRestOfAnEpochIsDroppedAndDiffers() {
    TokenBatches batches = new TokenBatches(examples(23), 7, 5, 1);
    assertEquals(3, batches.batchesPerEpoch());
    assertEquals(21, new HashSet<>(labels(batches, 0, 3)).size());
    assertEquals(23, new HashSet<>(labels(batches, 0, 30)).size());
  }

  @Test
  void aBatchIsAFunctionOfSeedAndStep() {
    List<Example> examples = examples(50);
    TokenBatches forward = new TokenBatches(examples, 7, 5, 3);
    TokenBatches backward = new TokenBatches(examples, 7, 5, 3);
    List<int[]> first = IntStream.range(0, 40).mapToObj(s -> forward.batch(s).tokens()).toList();
    for (int step = 39; step >= 0; step--) {
      assertArrayEquals(first.get(step), backward.batch(step).tokens());
    }
    assertNotEquals(labels(forward, 0, 7), labels(new TokenBatches(examples, 7, 5, 4), 0, 7));
    // Neighbouring seeds do not share their epochs one off.
    assertNotEquals(labels(forward, 7, 7), labels(new TokenBatches(examples, 7, 5, 4), 0, 7));
    assertEquals(7, forward.batch(1_000_000_000_000L).size());
  }

  @Test
  void inOrderHasEveryExampleAndASmallerRest() {
    Iterable<Batch> batches = TokenBatches.inOrder(examples(16), 7, 5);
    for (int pass = 0; pass < 2; pass++) {
      List<Integer> sizes = new ArrayList<>();
      List<Integer> labels = new ArrayList<>();
      for (Batch batch : batches) {
        sizes.add(batch.size());
        Arrays.stream(batch.targets()).forEach(labels::add);
        assertEquals(batch.size() * 5, batch.tokens().length);
      }
      assertEquals(List.of(7, 7, 2), sizes);
      assertEquals(IntStream.range(0, 16).boxed().toList(), labels);
    }
    assertFalse(TokenBatches.inOrder(List.of(), 7, 5).iterator().hasNext());
    assertEquals(
        16, TokenBatches.inOrder(examples(16), Integer.MAX_VALUE, 5).iterator().next().size());
  }

  @Test
  void refusesWhatDoesNotFit() {
    List<Example> examples = examples(16);
    assertRefused(
        "example 4 has 5 tokens, and the input size is 4",
        () -> new TokenBatches(examples, 7, 4, 0));
    assertRefused("example 4 has 5 tokens", () -> TokenBatches.inOrder(examples, 7, 4));
    assertRefused("batch size 17", () -> new TokenBatches(examples, 17, 5, 0));
    assertRefused("batch size 0", () -> new TokenBatches(examples, 0, 5, 0));
    assertRefused("token id 256 at position 1", () -> new Example(new int[] {0, 256}, 0));
    assertThrows(
        IllegalArgumentException.class, () -> new TokenBatches(examples, 7, 5, 0).batch(-1));
  }

  @Test
  void examplesAreEqualByTokens() {
    Example example = new Example(new int[] {200, 0, 255}, 3);
    assertEquals(new Example(new int[] {200, 0, 255}, 4), example);
    assertEquals(200, example.token(0));
    assertArrayEquals(new int[] {200, 0, 255}, example.tokens());
    assertEquals("[200, 0, 255] = 3", example.toString());
  }

  private static void assertRefused(String message, Executable action) {
    InvalidInputException e = assertThrows(InvalidInputException.class, action);
    assertTrue(String.valueOf(e.getMessage()).contains(message), e.getMessage());
  }
}
