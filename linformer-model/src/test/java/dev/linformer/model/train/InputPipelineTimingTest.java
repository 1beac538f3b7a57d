package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.model.data.Batch;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Data that comes too slowly shows in the time of a step that is fed, and in no other. */
@Timeout(120) // so that a feeder that nobody waits for doesn't hang; nothing is measured by it
class InputPipelineTimingTest {

  private static final int STEPS = 9;
  private static final long DELAY_MS = 150;

  /** Goes on by a millisecond each time that it is read. */
  private static final class Clock implements LongSupplier {
    private long millis;
    private long readings;

    @Override
    public synchronized long getAsLong() {
      readings++;
      notifyAll();
      return TimeUnit.MILLISECONDS.toNanos(millis++);
    }

    synchronized void awaitReading(long number) {
      try {
        while (readings < number) {
          wait();
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    synchronized void pass(long delay) {
      millis += delay;
    }
  }

  /** Examples whose batches are made only when a step waits for them, and take long. */
  private static final class Slow implements TaskData {
    private final ExampleData data = Tiny.data(1);
    private final Clock clock;
    private final int before;
    private final int perStep;
    private boolean atOnce;

    /**
     * @param atOnce whether the first batch takes no time
     * @param before readings of the clock before the first step that is fed
     * @param perStep readings of the clock in each of them
     */
    Slow(Clock clock, boolean atOnce, int before, int perStep) {
      this.clock = clock;
      this.atOnce = atOnce;
      this.before = before;
      this.perStep = perStep;
    }

    @Override
    public Batch train(long index, int size) {
      if (!atOnce) {
        clock.awaitReading(before + index * perStep + 1);
        clock.pass(DELAY_MS);
      }
      atOnce = false;
      return data.train(index, size);
    }

    @Override
    public Iterable<Batch> validation(int size) {
      return data.validation(size);
    }

    @Override
    public TestSet test(int size) {
      return data.test(size);
    }

    @Override
    public TestSet fresh(OptionalLong seed, int size) {
      return data.fresh(seed, size);
    }
  }

  /** The clock is read at a step's begin, when its batch is there, and at its end. */
  @Test
  void slowDataShows() throws IOException {
    Clock clock = new Clock();
    int perStep = 3;
    Slow data = new Slow(clock, true, (InputPipelineTiming.WARM_UP + STEPS) * perStep, perStep);
    InputPipelineTiming found =
        InputPipelineTiming.measure(
            Tiny.model(0), Tiny.OBJECTIVE, Tiny.trainer(10, 10, 1), data, STEPS, clock);
    assertEquals(new InputPipelineTiming(DELAY_MS + 2, 2, DELAY_MS + 1), found);
  }

  /** Here at a step's begin, and when its batch is there. */
  @Test
  void aStepSaysHowManySecondsItWaited(@TempDir Path folder) throws IOException {
    Clock clock = new Clock();
    List<Double> waited = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onStep(StepReport report) {
            waited.add(report.waited());
          }
        };
    try (Trainer trainer =
        Trainer.start(Tiny.model(0), Tiny.OBJECTIVE, Tiny.trainer(3, 10, 1), folder, clock)) {
      trainer.train(new Slow(clock, false, 0, 2), listener);
    }
    assertEquals(Collections.nCopies(3, (DELAY_MS + 1) / 1e3), waited);
  }
}
