package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.JsonKeys;

/**
 * How a model is trained.
 *
 * @param steps number of updates
 * @param batchSize sequences a step
 * @param learningRate the highest: reached after warm-up, then falling in a line to 0
 * @param warmupSteps updates over which the rate rises in a line from 0
 * @param weightDecay λ of {@link AdamW}
 * @param clipNorm largest common norm of the gradients
 * @param logEvery steps between lines of the history
 * @param checkpointEvery steps between checkpoints
 * @param keepCheckpoints how many of the newest stay on disk
 * @param seed of initial weights, order of the data and dropout
 * @param threads that compute; 0 for one a core
 */
public record TrainerConfig(
    int steps,
    int batchSize,
    double learningRate,
    int warmupSteps,
    double weightDecay,
    double clipNorm,
    int logEvery,
    int checkpointEvery,
    int keepCheckpoints,
    long seed,
    int threads) {

  /** Makes every check. */
  public TrainerConfig {
    require("steps", steps, steps >= 1, "at least 1");
    require("batch_size", batchSize, batchSize >= 1, "at least 1");
    require(
        "learning_rate",
        learningRate,
        learningRate > 0 && Double.isFinite(learningRate),
        "a number above 0");
    require("warmup_steps", warmupSteps, warmupSteps >= 0, "at least 0");
    require(
        "weight_decay",
        weightDecay,
        weightDecay >= 0 && Double.isFinite(weightDecay),
        "a number from 0 on");
    require(
        "max_grad_norm", clipNorm, clipNorm > 0 && Double.isFinite(clipNorm), "a number above 0");
    require("logging_steps", logEvery, logEvery >= 1, "at least 1");
    require("save_steps", checkpointEvery, checkpointEvery >= 1, "at least 1");
    require("save_total_limit", keepCheckpoints, keepCheckpoints >= 1, "at least 1");
    require("threads", threads, threads >= 0, "at least 0");
  }

  private static void require(String key, Object value, boolean holds, String wanted) {
    if (!holds) {
      throw new InvalidInputException("%s = %s, but %s is expected".formatted(key, value, wanted));
    }
  }

  /**
   * The learning rate of an update.
   *
   * @param step counted from 1
   */
  public double learningRateAt(long step) {
    if (step <= warmupSteps) {
      return learningRate * step / warmupSteps;
    }
    return learningRate * (steps - step + 1) / (steps - warmupSteps);
  }

  /** Every key with its value; the keys are those of transformers' TrainingArguments. */
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("max_steps", steps)
        .put("batch_size", batchSize)
        .put("learning_rate", learningRate)
        .put("warmup_steps", warmupSteps)
        .put("weight_decay", weightDecay)
        .put("max_grad_norm", clipNorm)
        .put("logging_steps", logEvery)
        .put("save_steps", checkpointEvery)
        .put("save_total_limit", keepCheckpoints)
        .put("seed", seed)
        .put("threads", threads);
  }

  /**
   * @throws InvalidInputException if a key is missing, unknown or out of its range
   */
  public static TrainerConfig parse(JsonKeys keys) {
    TrainerConfig config =
        new TrainerConfig(
            keys.integer("max_steps"),
            keys.integer("batch_size"),
            keys.number("learning_rate"),
            keys.integer("warmup_steps"),
            keys.number("weight_decay"),
            keys.number("max_grad_norm"),
            keys.integer("logging_steps"),
            keys.integer("save_steps"),
            keys.integer("save_total_limit"),
            keys.longInteger("seed"),
            keys.integer("threads"));
    keys.refuseTheRest();
    return config;
  }
}
