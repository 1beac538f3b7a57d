package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Values;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.runtime.Toggle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A loss, a metric, float inputs and a head that are no part of the library. */
class OwnObjectiveTest {

  private static final Regression TASK = Regression.TASK;

  @TempDir private Path folder;

  private static TrainerConfigBuilder config(int steps) {
    return TrainerConfig.builder(steps)
        .batchSize(16)
        .learningRate(0.02)
        .checkpointEvery(10)
        .threads(1)
        .xla(Toggle.OFF);
  }

  @Test
  void theLossFallsAndTheMetricToo() throws IOException {
    TaskData data = TASK.open(TASK.model());
    try (Trainer trainer =
        Trainer.start(TASK.model(), TASK.objective(), config(150).build(), folder)) {
      Evaluation before = trainer.evaluate(data.validation(16));
      assertTrue(trainer.train(data, TrainingListener.NONE));
      Evaluation after = trainer.evaluate(data.validation(16));
      assertEquals(40, after.targets());
      assertTrue(after.loss() < before.loss() / 3, before + " and " + after);
      assertTrue(after.accuracy() < before.accuracy() / 1.5, before + " and " + after);
      assertEquals(150L * 16 * 8, trainer.state().tokensSeen());
    }
  }

  /** The last batch has 8 examples, and is filled up to 16. */
  @Test
  void fillersDoNotCountWithXla() throws IOException {
    TaskData data = TASK.open(TASK.model());
    double[] losses = new double[2];
    for (Toggle xla : new Toggle[] {Toggle.OFF, Toggle.ON}) {
      TrainerConfig config = config(1).xla(xla).build();
      try (Trainer trainer = Trainer.start(TASK.model(), TASK.objective(), config, folder)) {
        losses[xla == Toggle.ON ? 1 : 0] = trainer.evaluate(data.validation(16)).loss();
      }
    }
    assertEquals(losses[0], losses[1], 1e-5 * losses[0]);
  }

  private Path run(String name, int stop) throws IOException {
    Path path = folder.resolve(name);
    TrainerConfig config = config(30).evaluateEvery(7).accumulation(2).build();
    try (TrainingRun run = TrainingRun.create(path, TASK.model(), TASK, config)) {
      boolean finished =
          run.train(
              new TrainingListener() {
                @Override
                public void onStep(StepReport report) {
                  if (report.step() == stop) {
                    run.requestStop();
                  }
                }
              });
      assertEquals(stop == 0, finished);
      if (finished) {
        run.finish();
      }
    }
    return path;
  }

  /** Also what the optimizer keeps of the head. */
  @Test
  void aRunThatIsResumedGoesTheSameWay() throws IOException {
    Path straight = run("straight", 0);
    Path stopped = run("stopped", 17);
    try (TrainingRun run = TrainingRun.resume(stopped, TASK, TrainingMessages.NONE)) {
      assertEquals(17, run.state().step());
      assertTrue(run.train(TrainingListener.NONE));
      TrainingRun.Result result = run.finish();
      assertEquals(run.state().best(), result.best());
      assertNotEquals(Optional.empty(), result.best());
      assertEquals(40, result.report().model().targets());
      TestReport again =
          TrainingRun.evaluate(new ModelDirectory(stopped), TASK, OptionalLong.empty());
      assertEquals(result.report(), again);
    }
    for (String file :
        List.of(
            "model.safetensors",
            "objective.safetensors",
            "trainer_state.json",
            "checkpoints/step-00000030/optimizer.safetensors")) {
      assertEquals(-1, Files.mismatch(straight.resolve(file), stopped.resolve(file)), file);
    }
    try (SafetensorsFile model = SafetensorsFile.open(straight.resolve("model.safetensors"));
        SafetensorsFile all = SafetensorsFile.open(straight.resolve("objective.safetensors"))) {
      assertFalse(model.names().contains("head.weight"));
      assertTrue(all.names().contains("head.weight"));
      assertTrue(all.names().containsAll(model.names()));
    }
  }

  @Test
  void whatGoesOnHasItsOwnTask() throws IOException {
    Path stopped = run("stopped", 3);
    Path state = stopped.resolve("trainer_state.json");
    assertEquals(
        state + ": the task regression is a program's own; only that program can go on with it",
        Values.refusal(() -> TrainingRun.resume(stopped).close()));
    Task other = new Regression("other", 8, 4);
    assertEquals(
        state + ": the task is {\"name\":\"regression\"}, but {\"name\":\"other\"} is given",
        Values.refusal(() -> TrainingRun.resume(stopped, other, TrainingMessages.NONE).close()));
    assertEquals(Optional.empty(), Task.of(new ModelDirectory(stopped)));
  }

  @Test
  void aNameThatIsTaken() {
    Task copy = new Regression("copy", 8, 4);
    assertThrows(
        IllegalArgumentException.class,
        () -> TrainingRun.create(folder, TASK.model(), copy, config(1).build()).close());
  }

  @Test
  void aBatchOfAnotherShape() {
    Batch batch =
        Batch.builder(2)
            .floats("x", new float[2 * 8 * 3])
            .floats("wanted", new float[2])
            .floats("weight", new float[2])
            .build(2);
    try (Trainer trainer =
        Trainer.start(TASK.model(), TASK.objective(), config(1).build(), folder)) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> trainer.evaluate(List.of(batch)))
              .getMessage();
      assertEquals("field x: 48 values, but 64 are expected: shape [2, 8, 4]", message);
    }
  }

  @Test
  void aBatchWithoutAField() {
    Batch batch =
        Batch.builder(2).floats("x", new float[64]).ints("wanted", new int[2], 0).build(2);
    try (Trainer trainer =
        Trainer.start(TASK.model(), TASK.objective(), config(1).build(), folder)) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> trainer.evaluate(List.of(batch)))
              .getMessage();
      assertEquals("field wanted has ints, not floats", message);
    }
    assertThrows(IllegalArgumentException.class, () -> batch.ints("weight"));
    assertThrows(IllegalArgumentException.class, () -> batch.ints("x"));
    assertThrows(IllegalArgumentException.class, () -> Batch.builder(2).floats("x", new float[3]));
  }
}
