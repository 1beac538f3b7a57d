package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.model.data.Batch;
import dev.linformer.model.data.ExampleData;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120) // so that what hangs ends; nothing is measured by it
class BatchPrefetcherTest {

  private static Batch batch(long index) {
    return new Batch(new int[] {(int) index}, new int[] {0}, new int[] {1});
  }

  @Test
  void givesWhatTheDataGives() throws IOException {
    ExampleData data = Tiny.data(3);
    try (BatchPrefetcher feeder = new BatchPrefetcher(index -> data.train(index, 7), 11, 61)) {
      for (long index = 11; index < 61; index++) {
        Batch expected = Tiny.data(3).train(index, 7);
        Batch found = feeder.next();
        assertArrayEquals(expected.tokens(), found.tokens());
        assertArrayEquals(expected.targets(), found.targets());
      }
    }
  }

  /** Four wait in the queue, and one in the hand of the one who made it. */
  @Test
  void worksAheadAndNoFurther() throws IOException, InterruptedException {
    AtomicLong made = new AtomicLong();
    try (BatchPrefetcher feeder =
        new BatchPrefetcher(
            index -> {
              made.incrementAndGet();
              return batch(index);
            },
            0,
            1000)) {
      while (made.get() < 5) {
        Thread.sleep(1);
      }
      // What was too many would come at some time after that; on a machine that is slow, unseen.
      Thread.sleep(100);
      assertEquals(5, made.get());
      assertEquals(0, feeder.next().tokens()[0]);
      while (made.get() < 6) {
        Thread.sleep(1);
      }
    }
  }

  @Test
  void tellsWhatWentWrongWhenItsTurnComes() throws IOException {
    try (BatchPrefetcher feeder =
        new BatchPrefetcher(
            index -> {
              if (index == 3) {
                throw new IOException("the file is gone");
              }
              return batch(index);
            },
            1,
            9)) {
      assertEquals(1, feeder.next().tokens()[0]);
      assertEquals(2, feeder.next().tokens()[0]);
      var e = assertThrows(IOException.class, feeder::next);
      assertEquals("the file is gone", e.getMessage());
    }
  }

  @Test
  void closingEndsItsThread() {
    BatchPrefetcher feeder = new BatchPrefetcher(BatchPrefetcherTest::batch, 0, Long.MAX_VALUE);
    feeder.close();
    assertFalse(
        Thread.getAllStackTraces().keySet().stream()
            .anyMatch(thread -> thread.getName().equals("linformer-feeder")));
  }
}
