package dev.linformer.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelSummary;
import dev.linformer.model.Variables;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The memory of one training step at each checkpoint level, from the configuration alone: nothing
 * is run. The step is the mean of the output's squares, its gradients, and an update by gradient
 * descent; the moments of AdamW would take twice the weights' bytes more.
 *
 * @param batch sequences
 * @param weights bytes of all weights in float32
 * @param peaks by level, the most bytes at a time of results, gradients and what is kept between
 *     forward and backward pass; weights and what is fed come on top
 */
public record MemoryEstimate(int batch, long weights, Map<CheckpointLevel, Long> peaks) {

  private static final Map<CheckpointLevel, String> WORDS =
      new EnumMap<>(
          Map.of(
              CheckpointLevel.C0, "C0  everything is kept",
              CheckpointLevel.C1, "C1  each half layer is computed again",
              CheckpointLevel.C2, "C2  the heads too, some at a time",
              CheckpointLevel.C3, "C3  some positions at a time"));

  /**
   * Of a model that is given no masks.
   *
   * @param config the model; its own checkpoint level plays no part
   * @param batch sequences of full length, at least 1
   * @throws InvalidInputException if there is no sequence in the batch
   */
  public static MemoryEstimate of(ModelConfig config, int batch) {
    return of(config, batch, false);
  }

  /**
   * Of a model with or without masks.
   *
   * @param config the model; its own checkpoint level plays no part
   * @param batch sequences of full length, at least 1
   * @param masked whether the model is given its masks
   * @throws InvalidInputException if there is no sequence in the batch
   */
  public static MemoryEstimate of(ModelConfig config, int batch, boolean masked) {
    if (batch < 1) {
      throw new InvalidInputException("batch = %s, but at least 1 is expected".formatted(batch));
    }
    Map<CheckpointLevel, Long> peaks = new EnumMap<>(CheckpointLevel.class);
    for (CheckpointLevel level : CheckpointLevel.values()) {
      peaks.put(level, peak(config.at(level), batch, masked));
    }
    return new MemoryEstimate(batch, ModelSummary.of(config).bytes(), peaks);
  }

  /** At the configuration's own level. */
  static long peak(ModelConfig config, int batch, boolean masked) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.toBeLoaded(tf, TFloat32.class);
      TrainingStep step = TrainingStep.build(tf, variables, config, batch, masked);
      return ExecutorMemory.peak(graph, List.of(step.update(), step.loss()));
    }
  }

  /** A table for people, in MiB. */
  public String table() {
    StringBuilder table =
        new StringBuilder(
            "memory of a training step, batch %s, estimated, in MiB%n".formatted(batch));
    table.append(line("", "results", "with weights"));
    peaks.forEach(
        (level, peak) -> table.append(line(WORDS.get(level), mib(peak), mib(peak + weights))));
    return table
        .append(
            "weights %s MiB; the moments of AdamW take %s MiB more"
                .formatted(mib(weights), mib(2 * weights)))
        .toString();
  }

  private static String line(@Nullable String words, String first, String second) {
    return "%-52s %12s %14s%n".formatted(words, first, second);
  }

  private static String mib(long bytes) {
    return String.format(Locale.ROOT, "%,.1f", (double) bytes / (1 << 20));
  }

  /**
   * {@link #table} for programs: {@code batch}, {@code weight_bytes}, and {@code peak_bytes} by
   * level.
   */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance.objectNode().put("batch", batch).put("weight_bytes", weights);
    ObjectNode bytes = json.putObject("peak_bytes");
    peaks.forEach((level, peak) -> bytes.put(level.name(), peak));
    return json;
  }
}
