package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.Values;
import dev.linformer.model.data.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {

  private static final LinformerClassifierConfig MODEL = Tiny.model(0.1);
  private static final List<Example> EXAMPLES = Tiny.examples();
  private static final int STEPS = 60;

  @TempDir private Path folder;

  /** Keeps what it hears, and asks for a stop after a step. */
  private static final class Log implements TrainingListener {
    final List<StepReport> reports = new ArrayList<>();
    final List<Path> checkpoints = new ArrayList<>();
    private final int stopAfter;
    private final Trainer trainer;

    Log(Trainer trainer, int stopAfter) {
      this.trainer = trainer;
      this.stopAfter = stopAfter;
    }

    @Override
    public void onStep(StepReport report) {
      reports.add(report);
      if (report.step() == stopAfter) {
        trainer.requestStop();
      }
    }

    @Override
    public void onCheckpoint(int step, Path checkpoint) {
      assertTrue(Files.isDirectory(checkpoint), checkpoint.toString());
      assertEquals(
          String.format(Locale.ROOT, "step-%08d", step), checkpoint.getFileName().toString());
      checkpoints.add(checkpoint);
    }
  }

  /** Losses of a training, and its weight file. */
  private record Run(List<Double> losses, TrainingState state, Path weights) {}

  /** Trains to the end, in as many pieces as there are stops. */
  private Run run(String name, TrainerConfig config, int... stops) throws IOException {
    Path checkpoints = folder.resolve(name);
    List<Double> losses = new ArrayList<>();
    for (int stop : stops) {
      try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, checkpoints)) {
        Log log = new Log(trainer, stop);
        assertFalse(trainer.train(Tiny.data(trainer.config().seed()), log));
        assertEquals(stop, trainer.state().step());
        log.reports.forEach(report -> losses.add(report.loss()));
      }
    }
    try (Trainer trainer =
        stops.length == 0
            ? Trainer.start(MODEL, Tiny.OBJECTIVE, config, checkpoints)
            : Trainer.resume(MODEL, Tiny.OBJECTIVE, config, checkpoints)) {
      Log log = new Log(trainer, -1);
      assertTrue(trainer.train(Tiny.data(trainer.config().seed()), log));
      log.reports.forEach(report -> losses.add(report.loss()));
      Path weights = folder.resolve(name + ".safetensors");
      trainer.saveWeights(weights);
      return new Run(losses, trainer.state(), weights);
    }
  }

  private static void assertSame(Run expected, Run found) throws IOException {
    assertEquals(expected.losses, found.losses);
    assertEquals(expected.state, found.state);
    assertEquals(-1, Files.mismatch(expected.weights, found.weights), "weights differ");
  }

  @Test
  void theLossFalls() throws IOException {
    Run run = run("falls", Tiny.trainer(150, 1000, 1));
    double first = mean(run.losses.subList(0, 10));
    double last = mean(run.losses.subList(140, 150));
    assertTrue(last < 0.9 * first, "from " + first + " to " + last);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  @Test
  void equalSeedsTrainEqually() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    Run run = run("a", config);
    assertSame(run, run("b", config));
    Run other = run("c", Tiny.trainer(STEPS, 1000, 2));
    assertNotEquals(run.losses, other.losses);
    assertNotEquals(-1, Files.mismatch(run.weights, other.weights));
  }

  /** A second trainer begins where the checkpoint of another stands. */
  @Test
  void aStoppedTrainingGoesOnAsIfItHadNotBeen() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    Run straight = run("straight", config);
    assertEquals(STEPS, straight.losses.size());
    assertSame(straight, run("once", config, 25));
    assertSame(straight, run("often", config, 1, 18, 19, 59));
  }

  /** What a crash leaves: a checkpoint, and steps after it that are lost. */
  @Test
  void whatWasLostInACrashIsDoneAgain() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 25, 1);
    Run straight = run("straight", config);
    Path checkpoints = folder.resolve("crashed");
    List<Double> losses = new ArrayList<>();
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, checkpoints)) {
      Log log = new Log(trainer, 32);
      trainer.train(Tiny.data(trainer.config().seed()), log);
      log.reports.stream().limit(25).forEach(report -> losses.add(report.loss()));
    }
    deleteFolder(checkpoints.resolve("step-00000032"));
    try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, checkpoints)) {
      assertEquals(25, trainer.state().step());
      Log log = new Log(trainer, -1);
      assertTrue(trainer.train(Tiny.data(trainer.config().seed()), log));
      log.reports.forEach(report -> losses.add(report.loss()));
      Path weights = folder.resolve("crashed.safetensors");
      trainer.saveWeights(weights);
      assertSame(straight, new Run(losses, trainer.state(), weights));
    }
  }

  private static void deleteFolder(Path path) throws IOException {
    AtomicFolder.delete(path);
  }

  @Test
  void aRequestedStopLeavesACheckpoint() throws IOException {
    try (Trainer trainer =
        Trainer.start(MODEL, Tiny.OBJECTIVE, Tiny.trainer(STEPS, 1000, 1), folder)) {
      Log log = new Log(trainer, 7);
      assertFalse(trainer.train(Tiny.data(trainer.config().seed()), log));
      assertEquals(List.of(folder.resolve("step-00000007")), log.checkpoints);
    }
  }

  @Test
  void aStopRequestedAtACheckpointNeedsNoSecondOne() throws IOException {
    try (Trainer trainer =
        Trainer.start(MODEL, Tiny.OBJECTIVE, Tiny.trainer(STEPS, 5, 1), folder)) {
      List<Integer> steps = new ArrayList<>();
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void onCheckpoint(int step, Path checkpoint) {
              steps.add(step);
              trainer.requestStop();
            }
          };
      assertFalse(trainer.train(Tiny.data(trainer.config().seed()), listener));
      assertEquals(List.of(5), steps);
      assertEquals(5, trainer.state().step());
      assertEquals(List.of("step-00000005"), names());
    }
  }

  private List<String> names() throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theNewestCheckpointsStay() throws IOException {
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, Tiny.trainer(35, 10, 1), folder)) {
      Log log = new Log(trainer, -1);
      trainer.train(Tiny.data(trainer.config().seed()), log);
      assertEquals(
          List.of("step-00000010", "step-00000020", "step-00000030", "step-00000035"),
          log.checkpoints.stream().map(path -> path.getFileName().toString()).toList());
    }
    assertEquals(List.of("step-00000030", "step-00000035"), names());
    try (var files = Files.list(folder.resolve("step-00000035"))) {
      assertEquals(
          List.of("model.safetensors", "optimizer.safetensors", "trainer_state.json"),
          files.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void whatACrashLeftAsideIsNoCheckpoint() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(trainer.config().seed()), new Log(trainer, 3));
    }
    Path aside = Files.createDirectory(folder.resolve(".step-00000009.0123-4567"));
    Files.writeString(aside.resolve("model.safetensors"), "half");
    Files.createDirectory(folder.resolve("step-backup"));
    try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder)) {
      assertEquals(3, trainer.state().step());
    }
    assertEquals(List.of("step-00000003", "step-backup"), names());
  }

  @Test
  void theNewestIsTheOneOfTheHighestNumber() throws IOException {
    Path second = Files.createDirectory(folder.resolve("step-99999999"));
    Path newest = Files.createDirectory(folder.resolve("step-100000000"));
    Path oldest = Files.createDirectory(folder.resolve("step-00000005"));
    assertEquals(List.of(newest, second, oldest), new CheckpointStore(folder, 2).newestFirst());
  }

  @Test
  void withoutACheckpointResumeStarts() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    try (Trainer trainer =
        Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder.resolve("absent"))) {
      assertEquals(TrainingState.START, trainer.state());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"})
  void aBrokenCheckpointIsRefusedByName(String name) throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(trainer.config().seed()), new Log(trainer, 3));
    }
    Path file = folder.resolve("step-00000003").resolve(name);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 10));
    String message = Values.refusal(() -> Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder));
    assertTrue(message.startsWith(file + ": "), message);
  }

  /**
   * The training goes the same way from the older one; the newer one is kept under another name.
   */
  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "optimizer.safetensors", "trainer_state.json"})
  void withoutAFileTheCheckpointBeforeIsTaken(String name) throws IOException {
    TrainerConfig config = Tiny.trainer(20, 10, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(1), new Log(trainer, -1));
    }
    Path damaged = folder.resolve("step-00000020");
    Path weights = damaged.resolve("model.safetensors");
    byte[] expected = Files.readAllBytes(weights);
    Files.delete(damaged.resolve(name));
    try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder)) {
      assertEquals(10, trainer.state().step());
      assertEquals(
          List.of(
              "the checkpoint %s cannot be used (%s: no such file); it is step-00000020.damaged now, and the training goes on from step 10"
                  .formatted(damaged, damaged.resolve(name))),
          trainer.notices());
      trainer.train(Tiny.data(1), new Log(trainer, -1));
      assertArrayEquals(expected, Files.readAllBytes(weights));
    }
    assertEquals(List.of("step-00000010", "step-00000020", "step-00000020.damaged"), names());
    for (String step : List.of("step-00000010", "step-00000020")) {
      Files.deleteIfExists(folder.resolve(step).resolve(name));
    }
    String message = Values.refusal(() -> Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder));
    assertEquals(
        damaged.resolve(name)
            + ": no such file; of the older checkpoints, 1, none can be used either",
        message);
    assertEquals(List.of("step-00000010", "step-00000020", "step-00000020.damaged"), names());
  }

  /** A training ends with the best weights that are there. */
  @Test
  void aBestCheckpointThatIsGoneIsPassedOver() throws IOException {
    TrainerConfig config = Tiny.trainer(20, 1, 5, 0, 5, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(1), new Log(trainer, -1));
      var best = trainer.state().best();
      assertEquals(best, trainer.loadBest());
      AtomicFolder.delete(
          folder.resolve(String.format(Locale.ROOT, "step-%08d", best.orElseThrow().step())));
      var second = trainer.loadBest().orElseThrow();
      assertTrue(second.loss() >= best.orElseThrow().loss(), second::toString);
      assertNotEquals(best.orElseThrow(), second);
      AtomicFolder.delete(folder);
      assertTrue(trainer.loadBest().isEmpty());
    }
  }

  /** A folder that was renamed would have the training go on at another step. */
  @Test
  void aCheckpointUnderAnothersNameIsRefused() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(1), new Log(trainer, 3));
    }
    Files.move(folder.resolve("step-00000003"), folder.resolve("step-00000004"));
    String message = Values.refusal(() -> Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder));
    assertTrue(message.contains("global_step = 3, but 4 is expected; there is no older"), message);
  }

  @Test
  void aCheckpointOfAnotherModelIsRefused() throws IOException {
    TrainerConfig config = Tiny.trainer(STEPS, 1000, 1);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      trainer.train(Tiny.data(trainer.config().seed()), new Log(trainer, 3));
    }
    var wider =
        LinformerClassifierConfig.builder(MODEL.encoder(), MODEL.vocabularySize(), 11)
            .pooling(MODEL.pooling())
            .tokenDropout(MODEL.tokenDropout())
            .build();
    String message = Values.refusal(() -> Trainer.resume(wider, Tiny.OBJECTIVE, config, folder));
    assertTrue(message.contains("to_logits.weight is [10, 8], but [11, 8] is expected"), message);
  }

  @Test
  void theHistoryHasEveryTenthStepAndTheLast() throws IOException {
    Run run = run("history", Tiny.trainer(25, 1000, 1));
    assertEquals(
        List.of(10, 20, 25),
        run.state.history().stream().map(TrainingState.HistoryEntry::step).toList());
    for (var entry : run.state.history()) {
      assertEquals(run.losses.get(entry.step() - 1), entry.loss());
      assertEquals(Tiny.trainer(25, 1000, 1).learningRateAt(entry.step()), entry.learningRate());
      assertTrue(entry.gradientNorm() > 0);
    }
    assertEquals(25L * Tiny.BATCH * 16, run.state.tokensSeen());
  }

  @Test
  void evaluationDropsNothing() throws IOException {
    Path weights = folder.resolve("weights.safetensors");
    try (Trainer trainer =
        Trainer.start(Tiny.model(0.5), Tiny.OBJECTIVE, Tiny.trainer(5, 10, 1), folder)) {
      Evaluation first = trainer.evaluate(Tiny.batches(EXAMPLES));
      assertEquals(first, trainer.evaluate(Tiny.batches(EXAMPLES)));
      assertEquals(EXAMPLES.size(), first.targets());
      trainer.train(Tiny.data(trainer.config().seed()), TrainingListener.NONE);
      assertNotEquals(first, trainer.evaluate(Tiny.batches(EXAMPLES)));
      trainer.saveWeights(weights);
      try (Trainer same =
          Trainer.start(Tiny.model(0), Tiny.OBJECTIVE, Tiny.trainer(5, 10, 2), folder)) {
        same.loadWeights(weights);
        assertEquals(
            trainer.evaluate(Tiny.batches(EXAMPLES)), same.evaluate(Tiny.batches(EXAMPLES)));
      }
    }
  }

  /** 300 examples in batches of 16 leave 12: the mean is over examples, not over batches. */
  @Test
  void evaluationWeighsEveryExampleAlike() throws IOException {
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, Tiny.trainer(5, 10, 1), folder)) {
      List<Example> some = EXAMPLES.subList(0, 18);
      Evaluation all = trainer.evaluate(Tiny.batches(some));
      double loss = 0;
      double right = 0;
      for (Example example : some) {
        Evaluation one = trainer.evaluate(Tiny.batches(List.of(example)));
        loss += one.loss() / some.size();
        right += one.accuracy() / some.size();
      }
      assertEquals(loss, all.loss(), 1e-6);
      assertEquals(right, all.accuracy(), 1e-12);
    }
  }

  @Test
  void aLossThatIsNoNumberStopsTheTraining() throws IOException {
    var config = Tiny.reckless(1e38);
    try (Trainer trainer = Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder)) {
      var e =
          assertThrows(
              DivergedException.class,
              () -> trainer.train(Tiny.data(trainer.config().seed()), TrainingListener.NONE));
      assertTrue(String.valueOf(e.getMessage()).contains(" at step "), e.getMessage());
    }
  }

  /** A checkpoint never holds what cannot be gone on from. */
  @Test
  void aGradientThatIsNoNumberStopsTheTraining() throws IOException {
    TrainerConfig config = Tiny.trainer(1, 1, 1);
    Path weights = folder.resolve("huge.safetensors");
    try (Trainer trainer =
        Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder.resolve("checkpoints"))) {
      trainer.saveWeights(weights);
      Tiny.enlarge(weights, "to_logits.weight", 1e25f);
      trainer.loadWeights(weights);
      assertTrue(Double.isFinite(trainer.evaluate(Tiny.batches(EXAMPLES)).loss()));
      assertThrows(
          DivergedException.class,
          () -> trainer.train(Tiny.data(trainer.config().seed()), TrainingListener.NONE));
    }
    assertFalse(Files.exists(folder.resolve("checkpoints")));
  }
}
