package dev.linformer.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.LinformerConfig;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How many steps are measured, by a clock that goes on when it is read. */
class BenchmarkTest {

  private static final LinformerConfig CONFIG =
      LinformerConfig.builder(16, 8, 4).heads(2).feedForwardDim(8).build();

  /** Of two steps at least, and for so many seconds at most. */
  private static ObjectNode measure(int seconds, long millisPerReading) throws IOException {
    AtomicLong nanos = new AtomicLong();
    long tick = TimeUnit.MILLISECONDS.toNanos(millisPerReading);
    BenchmarkCase work =
        new BenchmarkCase("tiny", CONFIG, 1, false, false, false, 0, 1, 2, seconds);
    return Benchmark.measure(work, false, () -> nanos.getAndAdd(tick));
  }

  /** A step is read at its begin and its end, and at both ends of all. */
  @Test
  void shortStepsAreMeasuredForASecond() throws IOException {
    ObjectNode found = measure(60, 10);
    int steps = found.get("times_ms").size();
    assertTrue(steps * 4 * 10 >= 1000 && (steps - 2) * 4 * 10 <= 1000, found::toString);
    assertEquals(10, found.get("median_ms").asDouble());
  }

  @Test
  void longStepsAreMeasuredAsOftenAsWanted() throws IOException {
    assertEquals(2, measure(60, 900).get("times_ms").size());
  }

  @Test
  void oneStepHasToDoWhereThereIsNoTime() throws IOException {
    assertEquals(1, measure(0, 900).get("times_ms").size());
  }
}
