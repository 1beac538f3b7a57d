package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.TaskData;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A language model on sequences of which each has another number of targets. */
class UnequalTargetsTest {

  private static final int N = 11;
  private static final int TOKENS = 7;
  private static final Objective OBJECTIVE = Objective.classPerPosition(false);

  @TempDir private Path folder = Path.of("");

  /** Sequence i has 1, 4, 7 or 10 targets. */
  private static Batch batch(long from, int size) {
    int[] tokens = new int[size * N];
    int[] targets = new int[size * N];
    Arrays.fill(targets, Batch.UNSCORED);
    for (int i = 0; i < size; i++) {
      SplittableRandom random = new SplittableRandom(from + i);
      for (int t = 0; t < N; t++) {
        tokens[i * N + t] = random.nextInt(TOKENS);
        if (t <= (from + i) % 4 * 3) {
          targets[i * N + t] = random.nextInt(TOKENS);
        }
      }
    }
    int[] lengths = new int[size];
    Arrays.fill(lengths, N);
    return new Batch(tokens, targets, lengths);
  }

  /**
   * @param same whether every batch is the first one
   */
  private record Data(boolean same) implements TaskData {

    @Override
    public Batch train(long index, int size) {
      return batch(same ? 0 : index * size, size);
    }

    @Override
    public Iterable<Batch> validation(int size) {
      return List.of(batch(100, size));
    }

    @Override
    public TestSet test(int size) {
      return new TestSet(validation(size), List.of(), 0);
    }

    @Override
    public TestSet fresh(OptionalLong seed, int size) {
      return test(size);
    }
  }

  private static ModelConfig model(double dropout) {
    return LinformerLMConfig.builder(
            LinformerLMConfig.stackBuilder(N, 6, 5)
                .heads(2)
                .feedForwardDim(8)
                .dropout(dropout)
                .feedForwardDropout(dropout)
                .build(),
            TOKENS)
        .embeddingDim(6)
        .tokenDropout(dropout)
        .positions(LinformerLMConfig.Positions.LEARNED)
        .build();
  }

  private static TrainerConfig config(int steps, int batch, int accumulation, double rate) {
    var json = Tiny.trainer(steps, 1000, 1).toJson();
    json.put("batch_size", batch)
        .put("gradient_accumulation_steps", accumulation)
        .put("learning_rate", rate)
        .put("warmup_steps", 0);
    return TrainerConfig.parse(new JsonObjectReader("json", json));
  }

  private List<Double> losses(double dropout, boolean same, TrainerConfig config)
      throws IOException {
    List<Double> losses = new ArrayList<>();
    try (Trainer trainer = Trainer.start(model(dropout), OBJECTIVE, config, folder)) {
      trainer.train(
          new Data(same),
          new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
              losses.add(report.loss());
            }
          });
    }
    return losses;
  }

  /** A part weighs what its targets are of all: four parts are one batch, step after step. */
  @Test
  void accumulatedPartsWeighByTheirTargets() throws IOException {
    List<Double> expected = losses(0, false, config(9, 4, 1, 0.05));
    List<Double> found = losses(0, false, config(9, 1, 4, 0.05));
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), found.get(i), 1e-4, "step " + (i + 1));
    }
    assertNotEquals(expected.get(0), expected.get(8), 0.01);
  }

  /** Of batches that are all alike, at a rate that changes nothing, dropout alone makes a loss. */
  @Test
  void everyPartHasADropoutOfItsOwn() throws IOException {
    List<Double> each = losses(0.4, true, config(6, 4, 1, 1e-30));
    assertEquals(6, each.stream().distinct().count(), each::toString);
    List<Double> threes = losses(0.4, true, config(2, 4, 3, 1e-30));
    for (int step = 0; step < 2; step++) {
      double mean = (each.get(3 * step) + each.get(3 * step + 1) + each.get(3 * step + 2)) / 3;
      assertEquals(mean, threes.get(step), 1e-5, "step " + (step + 1));
    }
  }

  /** The mean is over targets, not over batches or sequences, and so is the accuracy. */
  @Test
  void evaluationWeighsEveryTargetAlike() throws IOException {
    try (Trainer trainer = Trainer.start(model(0.4), OBJECTIVE, config(1, 3, 1, 0.05), folder)) {
      List<Batch> all = List.of(batch(0, 3), batch(3, 2), batch(5, 3));
      Evaluation found = trainer.evaluate(all);
      double loss = 0;
      double right = 0;
      double equally = 0;
      for (int i = 0; i < 8; i++) {
        Batch one = batch(i, 1);
        Evaluation each = trainer.evaluate(List.of(one));
        assertEquals(one.scored(), each.targets());
        loss += each.loss() * each.targets();
        right += each.accuracy() * each.targets();
        equally += each.loss() / 8;
      }
      assertEquals(2 * (1 + 4 + 7 + 10), found.targets());
      assertEquals(loss / found.targets(), found.loss(), 1e-6);
      assertEquals(right / found.targets(), found.accuracy(), 1e-12);
      assertTrue(Math.abs(equally - found.loss()) > 1e-3, "the weights make no difference");
    }
  }
}
