package dev.linformer.model.train;

import dev.linformer.model.ComputePrecision;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Pooling;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Example;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.Objective;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.runtime.Toggle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** A classifier and a task that train in no time. */
final class Tiny {

  static final int BATCH = 16;

  /** A class a sequence, without masks. */
  static final Objective OBJECTIVE = Objective.classPerSequence(false);

  private Tiny() {}

  static LinformerClassifierConfig model(double dropout) {
    return model(dropout, ComputePrecision.FLOAT32);
  }

  static LinformerClassifierConfig model(double dropout, ComputePrecision precision) {
    LinformerConfig encoder =
        LinformerConfig.builder(16, 8, 4)
            .heads(2)
            .feedForwardDim(16)
            .dropout(dropout)
            .feedForwardDropout(dropout)
            .precision(precision)
            .build();
    return LinformerClassifierConfig.builder(encoder, ListOps.VOCABULARY_SIZE, ListOps.CLASSES)
        .pooling(Pooling.FIRST)
        .tokenDropout(dropout)
        .build();
  }

  static List<Example> examples() {
    return ListOps.generate(new ListOps.Settings(3, 17, 4, 3), 300, 5, example -> false);
  }

  /** All examples to learn from, some of them to watch on. */
  static ExampleData data(long seed) {
    List<Example> all = examples();
    return new ExampleData(all, all.subList(0, 40), all, 16, seed);
  }

  /** All of them in their order. */
  static Iterable<Batch> batches(List<Example> examples) {
    return new ExampleData(examples, examples, examples, 16, 1).validation(BATCH);
  }

  /** On one thread, so that every digit is repeatable. */
  static TrainerConfig trainer(int steps, int checkpointEvery, long seed) {
    return trainer(steps, 1, 0, 0, checkpointEvery, seed);
  }

  static TrainerConfig trainer(
      int steps,
      int accumulation,
      int evaluateEvery,
      int patience,
      int checkpointEvery,
      long seed) {
    return TrainerConfig.builder(steps)
        .batchSize(BATCH / accumulation)
        .accumulation(accumulation)
        .learningRate(0.01)
        .warmupSteps(5)
        .logEvery(10)
        .evaluateEvery(evaluateEvery)
        .patience(patience)
        .checkpointEvery(checkpointEvery)
        .seed(seed)
        .threads(1)
        .xla(Toggle.OFF)
        .build();
  }

  /** Without warm-up and clipping. */
  static TrainerConfig reckless(double learningRate) {
    return TrainerConfig.builder(60)
        .batchSize(BATCH)
        .optimizer(new AdamW(0.9, 0.999, 1e-8, 0))
        .learningRate(learningRate)
        .warmupSteps(0)
        .clipNorm(1e38)
        .logEvery(10)
        .checkpointEvery(1000)
        .threads(1)
        .xla(Toggle.OFF)
        .build();
  }

  /** Multiplies a weight in a file. */
  static void enlarge(Path path, String name, float factor) throws IOException {
    List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (String each : file.names()) {
        var values = new float[Math.toIntExact(file.shape(each).size())];
        file.read(each, DataBuffers.of(values, false, false));
        for (int i = 0; i < values.length && each.equals(name); i++) {
          values[i] *= factor;
        }
        tensors.add(new SafetensorsWriter.Tensor(each, file.shape(each), DataBuffers.of(values)));
      }
    }
    SafetensorsWriter.write(path, Map.of(), tensors);
  }
}
