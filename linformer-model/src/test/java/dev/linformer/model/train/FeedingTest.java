package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.data.Batch;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Data that comes too slowly shows in the time of a step that is fed, and in no other. */
class FeedingTest {

  private static final long DELAY_MS = 150;

  /** Examples whose batches take long to make. */
  private record Slow(ExampleData data) implements TaskData {
    @Override
    public Batch train(long index, int size) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(DELAY_MS));
      return data.train(index, size);
    }

    @Override
    public Iterable<Batch> validation(int size) {
      return data.validation(size);
    }

    @Override
    public HeldOut test(int size) {
      return data.test(size);
    }

    @Override
    public HeldOut fresh(OptionalLong seed, int size) {
      return data.fresh(seed, size);
    }
  }

  @Test
  void slowDataShows() throws IOException {
    TrainerConfig config = Tiny.trainer(10, 10, 1);
    Feeding found =
        Feeding.measure(Tiny.model(0), Tiny.OBJECTIVE, config, new Slow(Tiny.data(1)), 9);
    assertTrue(found.residentMillis() > 0, found::toString);
    assertTrue(found.fedMillis() > 0.9 * DELAY_MS, found::toString);
    assertTrue(found.waitedMillis() > 0.1 * DELAY_MS, found::toString);
    assertTrue(found.residentMillis() < 0.9 * found.fedMillis(), found::toString);
  }
}
