package dev.linformer.model.train;

import dev.linformer.model.ClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Pooling;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ListOps;
import java.util.List;

/** A classifier and a task that train in no time. */
final class Tiny {

  static final int BATCH = 16;

  private Tiny() {}

  static ClassifierConfig model(double dropout) {
    LinformerConfig encoder =
        LinformerConfig.builder(16, 8, 4)
            .heads(2)
            .feedForwardDim(16)
            .dropout(dropout)
            .feedForwardDropout(dropout)
            .build();
    return new ClassifierConfig(
        encoder, ListOps.VOCABULARY_SIZE, ListOps.CLASSES, Pooling.FIRST, dropout);
  }

  static List<Example> examples() {
    return ListOps.generate(new ListOps.Settings(3, 17, 4, 3), 300, 5, example -> false);
  }

  /** On one thread, so that every digit is repeatable. */
  static TrainerConfig trainer(int steps, int checkpointEvery, long seed) {
    return new TrainerConfig(steps, BATCH, 0.01, 5, 0.01, 1, 10, checkpointEvery, 2, seed, 1);
  }
}
