package dev.linformer.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.AttentionPlans;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;

/**
 * Something to be measured: steps of an encoder on one resident batch of random numbers.
 *
 * @param name for tables
 * @param config the encoder; its input_size is the length that is measured
 * @param batch sequences
 * @param training forward, backward and update, or forward alone
 * @param xla whether XLA compiles the graph
 * @param kernels whether attention, norms and GELU are kernels where those run
 * @param memoryLimit MiB of a GPU's memory that may be used; 0 for all
 * @param warmup steps before those that are measured, at least 1
 * @param steps that are measured at least, if there is time for them; short ones for a second
 * @param seconds after the first step, then no further one begins if one is measured
 */
public record BenchmarkCase(
    String name,
    LinformerConfig config,
    int batch,
    boolean training,
    boolean xla,
    boolean kernels,
    int memoryLimit,
    int warmup,
    int steps,
    int seconds) {

  /**
   * @throws InvalidInputException if there is no step to warm up or to measure
   */
  public BenchmarkCase {
    if (warmup < 1 || steps < 1) {
      throw new InvalidInputException(
          "warmup = %s and steps = %s, but at least 1 of each is expected"
              .formatted(warmup, steps));
    }
  }

  /** The order of the products in the first attention. */
  public String plan() {
    return AttentionPlans.of(config).first(training);
  }

  /**
   * This case with another number of steps.
   *
   * @param number of steps that are measured at least, 1 or more
   * @throws InvalidInputException if it is below 1
   */
  public BenchmarkCase measured(int number) {
    return new BenchmarkCase(
        name, config, batch, training, xla, kernels, memoryLimit, warmup, number, seconds);
  }

  /**
   * This case with kernels or without.
   *
   * @param wanted whether attention, norms and GELU are kernels where those run
   */
  public BenchmarkCase withKernels(boolean wanted) {
    return new BenchmarkCase(
        name, config, batch, training, xla, wanted, memoryLimit, warmup, steps, seconds);
  }

  /**
   * This case within a part of a GPU's memory.
   *
   * @param mebibytes that may be used; 0 for all
   */
  public BenchmarkCase limited(int mebibytes) {
    return new BenchmarkCase(
        name, config, batch, training, xla, kernels, mebibytes, warmup, steps, seconds);
  }

  /**
   * The case that {@link #toJson} has written.
   *
   * @param keys of the object; all but {@code config} have defaults
   * @throws InvalidInputException if a key is unknown or its value no good
   */
  public static BenchmarkCase parse(JsonObjectReader keys) {
    ModelConfig config = ModelConfig.parse(keys.object("config"));
    BenchmarkCase work =
        new BenchmarkCase(
            keys.text("name", ""),
            config.stacks().get(0),
            keys.integer("batch", 1),
            keys.flag("training", true),
            keys.flag("xla", false),
            keys.flag("kernels", true),
            keys.integer("memory_limit_mib", 0),
            keys.integer("warmup", 3),
            keys.integer("steps", 10),
            keys.integer("seconds", 10));
    keys.refuseTheRest();
    return work;
  }

  /** This case as a JSON object with all keys. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("name", name)
            .put("batch", batch)
            .put("training", training)
            .put("xla", xla)
            .put("kernels", kernels)
            .put("memory_limit_mib", memoryLimit)
            .put("warmup", warmup)
            .put("steps", steps)
            .put("seconds", seconds);
    json.set("config", config.toJson());
    return json;
  }
}
