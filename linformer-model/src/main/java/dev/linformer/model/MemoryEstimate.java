package dev.linformer.model;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The memory of one training step at each checkpoint level, from the configuration alone: nothing
 * is run. The step is the mean of the output's squares, its gradients, and an update by gradient
 * descent; the moments of AdamW would take twice the weights' bytes more.
 *
 * @param batch sequences
 * @param weights bytes of all weights in float32
 * @param inputs bytes of what is fed
 * @param peaks by level, the most bytes at a time of results, gradients and what is kept between
 *     forward and backward pass; weights and inputs come on top
 */
public record MemoryEstimate(
    int batch, long weights, long inputs, Map<CheckpointLevel, Long> peaks) {

  /** Without masks. */
  public static MemoryEstimate of(ModelConfig config, int batch) {
    return of(config, batch, false);
  }

  /**
   * @param config the model; its own checkpoint level plays no part
   * @param masked whether the model is given its masks
   * @throws InvalidInputException if there is no sequence in the batch
   */
  public static MemoryEstimate of(ModelConfig config, int batch, boolean masked) {
    if (batch < 1) {
      throw new InvalidInputException("batch = %d, but at least 1 is expected".formatted(batch));
    }
    Map<CheckpointLevel, Long> peaks = new EnumMap<>(CheckpointLevel.class);
    for (CheckpointLevel level : CheckpointLevel.values()) {
      peaks.put(level, peak(config.at(level), batch, masked));
    }
    return new MemoryEstimate(batch, ModelSummary.of(config).bytes(), 0, peaks);
  }

  /** At the configuration's own level. */
  static long peak(ModelConfig config, int batch, boolean masked) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.toBeLoaded(tf, TFloat32.class);
      TrainingStep step = TrainingStep.build(tf, variables, config, batch, masked);
      List<Op> targets = new ArrayList<>(step.updates());
      targets.add(step.loss());
      return ExecutorMemory.peak(graph, targets);
    }
  }
}
