package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.Values;
import dev.linformer.model.data.CopyTask;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.ListOpsTask;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.runtime.Toggle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trainings whose length is told in epochs. */
class EpochsTest {

  private static final Task TASK =
      new ListOpsTask(new ListOps.Settings(3, 17, 4, 3), 103, 20, 20, 5);

  @TempDir private Path folder;

  private static TaskData data(int examples) {
    Example one = new Example(new int[] {1, 2}, 0);
    List<Example> all = Collections.nCopies(examples, one);
    return new ExampleData(all, all, all, 16, 1);
  }

  private static TrainerConfigBuilder epochs(double epochs) {
    return TrainerConfig.forEpochs(epochs).batchSize(10).threads(1).xla(Toggle.OFF);
  }

  /** 103 examples are 10 batches of 10; 3 are left over in each epoch. */
  @ParameterizedTest
  @CsvSource({
    "103, 3, 1, 30",
    "103, 1.5, 1, 15",
    "103, 0.01, 1, 1",
    "103, 1.01, 1, 11",
    "100, 1, 1, 10",
    "103, 3, 4, 8",
    "103, 1, 4, 3",
    "103, 2, 5, 4",
    "10, 7, 1, 7"
  })
  void stepsAreCounted(int examples, double epochs, int accumulation, int steps) {
    TrainerConfig config =
        epochs(epochs).accumulation(accumulation).build().withStepsFor(data(examples));
    assertEquals(steps, config.steps());
    assertEquals(epochs, config.epochs());
  }

  @Test
  void warmUpAndDecayFollowTheSteps() {
    TrainerConfig counted = epochs(4).learningRate(0.5).build().withStepsFor(data(103));
    TrainerConfig told =
        TrainerConfig.builder(40)
            .batchSize(10)
            .threads(1)
            .xla(Toggle.OFF)
            .learningRate(0.5)
            .build();
    assertEquals(4, counted.warmupSteps());
    for (int step = 1; step <= 40; step++) {
      assertEquals(told.learningRateAt(step), counted.learningRateAt(step));
    }
    assertEquals(0.5 / 36, counted.learningRateAt(40), 1e-15);
    assertEquals(100, epochs(1000).build().withStepsFor(data(103)).warmupSteps());
    assertEquals(7, epochs(4).warmupSteps(7).build().withStepsFor(data(103)).warmupSteps());
    assertEquals(0, epochs(4).warmupSteps(0).build().withStepsFor(data(103)).warmupSteps());
  }

  @Test
  void jsonHasBoth() {
    TrainerConfig config = epochs(2.5).build();
    assertEquals(config, TrainerConfig.parse(new JsonObjectReader("json", config.toJson())));
    TrainerConfig counted = config.withStepsFor(data(103));
    assertEquals(25, counted.toJson().get("max_steps").intValue());
    assertEquals(2.5, counted.toJson().get("num_train_epochs").doubleValue());
    TrainerConfig read = TrainerConfig.parse(new JsonObjectReader("json", counted.toJson()));
    assertEquals(counted, read);
    assertEquals(counted, read.withStepsFor(data(103)));
    TrainerConfig few = TrainerConfig.parse("{\"num_train_epochs\": 3, \"batch_size\": 10}");
    assertEquals(30, few.withStepsFor(data(103)).steps());
    TrainerConfig steps = TrainerConfig.builder(7).build();
    assertEquals(steps, steps.withStepsFor(data(103)));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    String range = "but a number above 0 within float32 is expected";
    assertEquals("num_train_epochs = -1.0, " + range, Values.refusal(() -> epochs(-1).build()));
    assertEquals(
        "num_train_epochs = 0.0, " + range,
        Values.refusal(() -> TrainerConfig.parse("{\"num_train_epochs\": 0}")));
    assertEquals(
        "max_steps = 12, but num_train_epochs = 3.0 makes 30 steps here; leave out one of the two",
        Values.refusal(
            () ->
                TrainerConfig.parse(
                        "{\"max_steps\": 12, \"num_train_epochs\": 3, \"batch_size\": 10}")
                    .withStepsFor(data(103))));
    assertEquals(
        "num_train_epochs = 1.0E9: 10000000000 steps, but at most 2147483647 are expected",
        Values.refusal(() -> epochs(1e9).build().withStepsFor(data(103))));
    IllegalArgumentException uncounted =
        assertThrows(
            IllegalArgumentException.class,
            () -> Trainer.start(Tiny.model(0), Tiny.OBJECTIVE, epochs(1).build(), folder).close());
    assertTrue(String.valueOf(uncounted.getMessage()).contains("withStepsFor"));
  }

  /** Twice each of the 103 examples; the file tells both, and a resumed run has them from there. */
  @Test
  void aRunCountsItsExamplesAndResumes() throws IOException {
    TrainerConfig config = epochs(2).checkpointEvery(5).build();
    Path whole = folder.resolve("whole");
    try (TrainingRun run = TrainingRun.create(whole, Tiny.model(0.1), TASK, config)) {
      assertEquals(20, run.config().steps());
      assertTrue(run.train(TrainingListener.NONE));
      assertEquals(20, run.state().step());
      run.finish();
    }
    Path stopped = folder.resolve("stopped");
    try (TrainingRun run = TrainingRun.create(stopped, Tiny.model(0.1), TASK, config)) {
      assertFalse(
          run.train(
              new TrainingListener() {
                @Override
                public void onStep(StepReport report) {
                  if (report.step() == 7) {
                    run.requestStop();
                  }
                }
              }));
    }
    try (TrainingRun run = TrainingRun.resume(stopped)) {
      assertEquals(20, run.config().steps());
      assertEquals(2, run.config().epochs());
      assertEquals(7, run.state().step());
      assertTrue(run.train(TrainingListener.NONE));
      run.finish();
    }
    Path weights = Path.of("model.safetensors");
    assertEquals(-1, Files.mismatch(whole.resolve(weights), stopped.resolve(weights)));
  }

  @Test
  void aTaskWithoutEndIsRefusedAndLeavesNothing() {
    Path path = folder.resolve("run");
    Task task = new CopyTask(16, 3, 5, 7, 1);
    LinformerLMConfig model =
        LinformerLMConfig.builder(LinformerConfig.builder(16, 4, 3).heads(2).build(), 5)
            .embeddingDim(4)
            .tokenDropout(0)
            .build();
    String message =
        Values.refusal(() -> TrainingRun.create(path, model, task, epochs(1).build()).close());
    assertTrue(message.startsWith("num_train_epochs: the task copy makes examples without end"));
    assertFalse(Files.exists(path));
  }
}
