package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ComputePrecision;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.Objective;
import dev.linformer.model.internal.weights.SafetensorsFile;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** Accumulation, measurements on the way, the end that they bring, and divergence. */
class TrainerOptionsTest {

  private static final LinformerClassifierConfig MODEL = Tiny.model(0);

  @TempDir private Path folder = Path.of("");

  private Trainer start(TrainerConfig config, String name) {
    return Trainer.start(MODEL, Tiny.OBJECTIVE, config, folder.resolve(name));
  }

  private static List<Double> losses(Trainer trainer) throws IOException {
    List<Double> losses = new ArrayList<>();
    trainer.train(
        Tiny.data(1),
        new TrainingListener() {
          @Override
          public void onStep(StepReport report) {
            losses.add(report.loss());
          }
        });
    return losses;
  }

  /** Four batches of 4 are the same examples as one of 16. */
  @Test
  void accumulatedGradientsAreThoseOfOneBatch() throws IOException {
    try (Trainer whole = start(Tiny.trainer(18, 1, 0, 0, 100, 1), "whole");
        Trainer parts = start(Tiny.trainer(18, 4, 0, 0, 100, 1), "parts")) {
      List<Double> expected = losses(whole);
      List<Double> found = losses(parts);
      assertEquals(expected.size(), found.size());
      for (int i = 0; i < expected.size(); i++) {
        assertEquals(expected.get(i), found.get(i), 1e-4, "step " + (i + 1));
      }
      assertNotEquals(expected.get(0), expected.get(17));
      assertEquals(whole.state().tokensSeen(), parts.state().tokensSeen());
    }
  }

  @Test
  void accumulationResumesToTheBit() throws IOException {
    TrainerConfig config = Tiny.trainer(14, 2, 5, 0, 100, 1);
    assertEquals(-1, Files.mismatch(run(config, "straight"), run(config, "stopped", 6)));
  }

  private Path run(TrainerConfig config, String name, int... stops) throws IOException {
    LinformerClassifierConfig model = Tiny.model(0.2);
    Path checkpoints = folder.resolve(name);
    for (int stop : stops) {
      try (Trainer trainer = Trainer.resume(model, Tiny.OBJECTIVE, config, checkpoints)) {
        trainer.train(
            Tiny.data(1),
            new TrainingListener() {
              @Override
              public void onStep(StepReport report) {
                if (report.step() == stop) {
                  trainer.requestStop();
                }
              }
            });
      }
    }
    Path weights = folder.resolve(name + ".safetensors");
    try (Trainer trainer = Trainer.resume(model, Tiny.OBJECTIVE, config, checkpoints)) {
      assertTrue(trainer.train(Tiny.data(1), TrainingListener.NONE));
      trainer.saveWeights(weights);
    }
    return weights;
  }

  /** So few examples to learn from that what is learnt of them soon harms on others. */
  private static ExampleData few() {
    List<Example> all = Tiny.examples();
    return new ExampleData(all.subList(0, 16), all.subList(100, 200), all, 16, 1);
  }

  @Test
  void endsWhenTheLossFallsNoMoreAndKeepsTheBest() throws IOException {
    TrainerConfig config = Tiny.trainer(2000, 1, 7, 3, 10, 1);
    List<Integer> heard = new ArrayList<>();
    List<Object> stops = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onEvaluation(int step, Evaluation evaluation) {
            heard.add(step);
          }

          @Override
          public void onEarlyStop(int step, TrainingState.Measured best) {
            stops.addAll(List.of(step, best));
          }
        };
    try (Trainer trainer = start(config, "early")) {
      assertFalse(trainer.stoppedEarly());
      assertTrue(trainer.train(few(), TrainingListener.all(List.of(listener))));
      assertTrue(trainer.stoppedEarly());
      TrainingState state = trainer.state();
      var best = state.best().orElseThrow();
      assertTrue(state.step() < 2000, state::toString);
      assertEquals(best.step() + 3 * 7, state.step());
      assertEquals(List.of(state.step(), best), stops);
      assertEquals(heard, state.evaluations().stream().map(each -> each.step()).toList());
      trainer.loadBest();
      Evaluation again = trainer.evaluate(few().validation(config.batchSize()));
      assertEquals(best.loss(), again.loss());
      assertTrue(
          Files.isDirectory(
              folder.resolve(String.format(Locale.ROOT, "early/step-%08d", best.step()))));
      try (var kept = Files.list(folder.resolve("early"))) {
        assertEquals(3, kept.count());
      }
    }
    try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder.resolve("early"))) {
      int step = trainer.state().step();
      assertTrue(trainer.train(few(), TrainingListener.NONE));
      assertEquals(step, trainer.state().step());
    }
  }

  /** Also where the last measurement would have stopped it. */
  @Test
  void aTrainingThatMadeAllItsStepsDidNotStopEarly() throws IOException {
    int stop;
    try (Trainer trainer = start(Tiny.trainer(2000, 1, 7, 3, 10, 1), "early")) {
      trainer.train(few(), TrainingListener.NONE);
      stop = trainer.state().step();
    }
    TrainerConfig config = Tiny.trainer(stop, 1, 7, 3, 10, 1);
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void onEarlyStop(int step, TrainingState.Measured best) {
            throw new AssertionError("stopped early at " + step);
          }
        };
    try (Trainer trainer = Trainer.resume(MODEL, Tiny.OBJECTIVE, config, folder.resolve("early"))) {
      assertTrue(trainer.train(few(), listener));
      assertFalse(trainer.stoppedEarly());
    }
  }

  @Test
  void aTrainingWithMeasurementsResumesToTheBit() throws IOException {
    TrainerConfig config = Tiny.trainer(40, 1, 6, 0, 9, 1);
    assertEquals(-1, Files.mismatch(run(config, "straight"), run(config, "stopped", 5, 12, 31)));
  }

  /** With masks, tokens behind a sequence's end make no difference; without, they do. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void masksHidePadding(boolean masked) throws IOException {
    int[] tokens = new int[2 * 16];
    Arrays.setAll(tokens, i -> 1 + i % 13);
    int[] others = tokens.clone();
    others[9] = 14;
    others[31] = 14;
    int[] targets = {3, 7};
    int[] lengths = {9, 15};
    try (Trainer trainer =
        Trainer.start(MODEL, Objective.classPerSequence(masked), Tiny.trainer(1, 1, 1), folder)) {
      Evaluation first = trainer.evaluate(List.of(new Batch(tokens, targets, lengths)));
      Evaluation second = trainer.evaluate(List.of(new Batch(others, targets, lengths)));
      assertEquals(masked, first.loss() == second.loss(), first + " and " + second);
    }
  }

  @Test
  void aDryRunIsAnUpdateAndAMeasurement() throws IOException {
    TrainerConfig config = Tiny.trainer(10, 2, 0, 0, 1, 1);
    var report = DryRun.compute(MODEL, Tiny.OBJECTIVE, config, Tiny.data(1));
    assertTrue(report.loss() > 0 && report.gradientNorm() > 0, report::toString);
    assertEquals(Tiny.BATCH * 16, report.tokens());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sgd", "adagrad", "rmsprop", "adadelta"})
  void everyOptimizerLearnsAndResumesToTheBit(String optim) throws IOException {
    var json = Tiny.trainer(30, 1, 0, 0, 100, 1).toJson();
    List.of("adam_beta1", "adam_beta2", "adam_epsilon").forEach(json::remove);
    json.put("optim", optim).put("learning_rate", optim.equals("adadelta") ? 5 : 0.05);
    TrainerConfig config = TrainerConfig.parse(new JsonObjectReader("json", json));
    Path stopped = run(config, "stopped", 11);
    try (Trainer trainer =
        Trainer.start(Tiny.model(0.2), Tiny.OBJECTIVE, config, folder.resolve("straight"))) {
      double before = trainer.evaluate(Tiny.data(1).validation(16)).loss();
      trainer.train(Tiny.data(1), TrainingListener.NONE);
      assertTrue(trainer.evaluate(Tiny.data(1).validation(16)).loss() < before, optim);
      Path straight = folder.resolve("straight.safetensors");
      trainer.saveWeights(straight);
      assertEquals(-1, Files.mismatch(straight, stopped));
    }
  }

  /** Where numbers end is said, and the weights are still those before. */
  @ParameterizedTest
  @CsvSource({
    "pos_emb.weight, 1e38, it began in the forward pass at ",
    "to_logits.weight, 1e38, it began in the forward pass at to_logits.",
    "to_logits.weight, 1e25, 'every gradient is a number, but their norm is not'"
  })
  void divergenceNamesThePlace(String weight, float factor, String place) throws IOException {
    Path before = folder.resolve("before.safetensors");
    Path after = folder.resolve("after.safetensors");
    try (Trainer trainer = start(Tiny.trainer(3, 1, 0, 0, 1, 1), "checkpoints")) {
      trainer.saveWeights(before);
      Tiny.enlarge(before, weight, factor);
      trainer.loadWeights(before);
      var e =
          assertThrows(
              DivergedException.class, () -> trainer.train(Tiny.data(1), TrainingListener.NONE));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(" at step 1, "), message);
      assertTrue(message.contains(place), message);
      trainer.saveWeights(after);
    }
    assertFalse(Files.exists(folder.resolve("checkpoints")));
    try (SafetensorsFile first = SafetensorsFile.open(before);
        SafetensorsFile last = SafetensorsFile.open(after)) {
      assertEquals(values(first, weight), values(last, weight));
    }
  }

  /** Whose last update, the third, makes of every matrix what float32 cannot hold. */
  private static TrainerConfig spoiling(int steps) {
    var json = Tiny.trainer(3, 1, 0, 0, 1, 1).toJson();
    json.put("max_steps", steps).put("weight_decay", 3e38).put("learning_rate", 3e38);
    return TrainerConfig.parse(
        new JsonObjectReader("json", json.put("warmup_steps", 0).put("max_grad_norm", 1e-30)));
  }

  /** Nobody looks at the loss after the last update. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void weightsThatTheLastUpdateSpoiltAreNotWritten(boolean measured) throws IOException {
    var json = spoiling(1).toJson().put("eval_steps", measured ? 1 : 0);
    TrainerConfig config = TrainerConfig.parse(new JsonObjectReader("json", json));
    Path weights = folder.resolve("weights.safetensors");
    try (Trainer trainer = start(config, "checkpoints")) {
      var e =
          assertThrows(
              DivergedException.class, () -> trainer.train(Tiny.data(1), TrainingListener.NONE));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(measured ? " at step 1, " : " after step 1, "), message);
      assertTrue(measured || message.contains("the weight to_token_emb.weight is no n"), message);
      assertThrows(DivergedException.class, () -> trainer.saveWeights(weights));
      assertThrows(DivergedException.class, () -> trainer.evaluate(Tiny.data(1).validation(16)));
    }
    assertFalse(Files.exists(folder.resolve("checkpoints")));
    assertFalse(Files.exists(weights));
  }

  @Test
  void theNextStepNamesTheWeightThatTheLastOneSpoilt() throws IOException {
    TrainerConfig config =
        TrainerConfig.parse(
            new JsonObjectReader("json", spoiling(2).toJson().put("save_steps", 100)));
    try (Trainer trainer = start(config, "checkpoints")) {
      var e =
          assertThrows(
              DivergedException.class, () -> trainer.train(Tiny.data(1), TrainingListener.NONE));
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(" at step 2, "), message);
      assertTrue(message.contains("the weight to_token_emb.weight is no number"), message);
    }
  }

  /** With all the ways to make updates: the way goes on as if the step had not been tried. */
  @ParameterizedTest
  @CsvSource({
    "'{\"optim\": \"adamw\", \"weight_decay\": 0.1}', 2, FLOAT32, to_logits.weight, 1e25",
    "'{\"optim\": \"adamw\"}', 1, BF16, pos_emb.weight, 1e38",
    "'{\"optim\": \"sgd\", \"momentum\": 0.9, \"nesterov\": true}', 1, FLOAT32, pos_emb.weight, 1e38",
    "'{\"optim\": \"rmsprop\", \"momentum\": 0.9}', 2, FLOAT32, pos_emb.weight, 1e38",
    "'{\"optim\": \"adadelta\", \"weight_decay\": 0.1}', 1, FLOAT32, to_logits.weight, 1e25"
  })
  void aStepThatIsNotMadeLeavesNoTrace(
      String optimizer, int accumulation, ComputePrecision precision, String weight, float factor)
      throws IOException {
    var json = Tiny.trainer(5, accumulation, 0, 0, 100, 1).toJson();
    List.of("optim", "adam_beta1", "adam_beta2", "adam_epsilon", "weight_decay")
        .forEach(json::remove);
    json.setAll((ObjectNode) new ObjectMapper().readTree(optimizer));
    TrainerConfig config = TrainerConfig.parse(new JsonObjectReader("json", json));
    ModelConfig model = Tiny.model(0.2, precision);
    Path expected = folder.resolve("expected.safetensors");
    try (Trainer trainer =
        Trainer.start(model, Tiny.OBJECTIVE, config, folder.resolve("straight"))) {
      trainer.train(Tiny.data(1), TrainingListener.NONE);
      trainer.saveWeights(expected);
    }
    Path good = folder.resolve("good.safetensors");
    Path bad = folder.resolve("bad.safetensors");
    try (Trainer trainer = Trainer.start(model, Tiny.OBJECTIVE, config, folder.resolve("tried"))) {
      TrainingListener third =
          new TrainingListener() {
            @Override
            public void onStep(StepReport report) throws IOException {
              if (report.step() == 3) {
                throw new IOException("enough");
              }
            }
          };
      assertThrows(IOException.class, () -> trainer.train(Tiny.data(1), third));
      trainer.saveWeights(good);
      trainer.saveWeights(bad);
      Tiny.enlarge(bad, weight, factor);
      trainer.loadWeights(bad);
      trainer.saveWeights(bad);
      assertThrows(
          DivergedException.class, () -> trainer.train(Tiny.data(1), TrainingListener.NONE));
      Path after = folder.resolve("after.safetensors");
      trainer.saveWeights(after);
      assertEquals(-1, Files.mismatch(bad, after));
      trainer.loadWeights(good);
      trainer.train(Tiny.data(1), TrainingListener.NONE);
      Path found = folder.resolve("found.safetensors");
      trainer.saveWeights(found);
      assertEquals(-1, Files.mismatch(expected, found));
    }
  }

  private static List<Float> values(SafetensorsFile file, String name) throws IOException {
    var values = new float[Math.toIntExact(file.shape(name).size())];
    file.read(name, DataBuffers.of(values, false, false));
    List<Float> list = new ArrayList<>();
    for (float value : values) {
      list.add(value);
    }
    return list;
  }
}
