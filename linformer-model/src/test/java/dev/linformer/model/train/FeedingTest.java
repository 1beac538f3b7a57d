package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A resident batch is computed like a fed one, and slow data shows. */
class FeedingTest {

  @TempDir private Path folder = Path.of("");

  /** Evaluation reads the fed batch or, on the device, the same one. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aResidentBatchHasTheLossOfAFedOne(boolean masked) {
    Objective objective = new Objective(false, masked);
    TrainerConfig config = Tiny.trainer(10, 10, 1);
    Batch batch = Tiny.data(1).train(3, Tiny.BATCH);
    double fed;
    try (Trainer trainer = Trainer.start(Tiny.model(0), objective, config, folder)) {
      fed = trainer.dryRun(new OneBatch(batch, 0)).loss();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    try (Trainer trainer = Trainer.resident(Tiny.model(0), objective, config, folder, batch)) {
      double[] losses = new double[1];
      trainer.time(new OneBatch(batch, 0), 1, (i, total, waited) -> losses[0]++);
      assertEquals(1, losses[0]);
      assertEquals(fed, trainer.lossOfResident());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void slowDataShows() throws IOException {
    Batch batch = Tiny.data(1).train(0, Tiny.BATCH);
    TrainerConfig config = Tiny.trainer(10, 10, 1);
    Feeding slow =
        Feeding.measure(Tiny.model(0), Tiny.OBJECTIVE, config, new OneBatch(batch, 100), 7);
    assertTrue(slow.residentMillis() > 0 && slow.residentMillis() < 60, slow::toString);
    assertTrue(slow.fedMillis() > 90, slow::toString);
    assertTrue(slow.waitedMillis() > 30, slow::toString);
    try (var left = Files.list(folder)) {
      assertEquals(0, left.count());
    }
  }
}
