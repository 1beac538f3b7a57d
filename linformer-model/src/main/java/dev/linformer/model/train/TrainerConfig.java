package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.Named;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import org.jspecify.annotations.Nullable;

/**
 * How a model is trained. Numbers are those of float32, in which a training computes: what would be
 * infinite there, or 0 where that is no value, is refused.
 *
 * @param steps number of updates
 * @param batchSize sequences that are computed at once, at most {@value #MOST_SEQUENCES}
 * @param accumulation batches whose gradients are added up for an update, at most {@value
 *     #MOST_PARTS}
 * @param optimizer what makes an update of gradients
 * @param learningRate the highest
 * @param warmupSteps updates over which the rate rises in a line from 0
 * @param schedule how the rate falls after that
 * @param clipNorm largest common norm of the gradients
 * @param logEvery steps between lines of the history
 * @param evaluateEvery steps between measurements on the validation examples; 0 for none
 * @param patience measurements in a row without a better loss after which the training ends; 0 for
 *     never
 * @param checkpointEvery steps between checkpoints
 * @param keepCheckpoints how many of the newest stay on disk, besides the best one
 * @param seed of initial weights, order of the data and dropout
 * @param threads that compute, at most {@value #MOST_THREADS}; 0 for one a core
 * @param xla whether XLA compiles the graphs; null: where there is a GPU
 * @param kernels whether attentions and norms are kernels of their own where there are some; null:
 *     where they run
 */
public record TrainerConfig(
    int steps,
    int batchSize,
    int accumulation,
    Optimizer optimizer,
    double learningRate,
    int warmupSteps,
    Schedule schedule,
    double clipNorm,
    int logEvery,
    int evaluateEvery,
    int patience,
    int checkpointEvery,
    int keepCheckpoints,
    long seed,
    int threads,
    @Nullable Boolean xla,
    @Nullable Boolean kernels) {

  /** The most sequences that are computed at once. */
  public static final int MOST_SEQUENCES = 1 << 20;

  /** The most batches that are added up for an update: they are in memory together. */
  public static final int MOST_PARTS = 1 << 16;

  /** The most threads: TensorFlow starts them all. */
  public static final int MOST_THREADS = 1024;

  /** Makes every check. */
  public TrainerConfig {
    require("steps", steps, steps >= 1, "at least 1");
    requireWithin("batch_size", batchSize, 1, MOST_SEQUENCES);
    requireWithin("gradient_accumulation_steps", accumulation, 1, MOST_PARTS);
    Optimizer.requirePositive("learning_rate", learningRate);
    require("warmup_steps", warmupSteps, warmupSteps >= 0, "at least 0");
    Optimizer.requirePositive("max_grad_norm", clipNorm);
    require("logging_steps", logEvery, logEvery >= 1, "at least 1");
    require("eval_steps", evaluateEvery, evaluateEvery >= 0, "at least 0");
    require("early_stopping_patience", patience, patience >= 0, "at least 0");
    require(
        "early_stopping_patience",
        patience,
        patience == 0 || evaluateEvery > 0,
        "0 without eval_steps");
    require("save_steps", checkpointEvery, checkpointEvery >= 1, "at least 1");
    require("save_total_limit", keepCheckpoints, keepCheckpoints >= 1, "at least 1");
    requireWithin("threads", threads, 0, MOST_THREADS);
  }

  private static void requireWithin(String key, int value, int least, int most) {
    String wanted = value < least ? "at least " + least : "at most " + most;
    require(key, value, value >= least && value <= most, wanted);
  }

  /**
   * Refuses batches of more tokens than an array has.
   *
   * @throws InvalidInputException if the batches of this training don't do for the model
   */
  public void requireFits(ModelConfig model) {
    long n = model.stacks().get(0).sequenceLength();
    if (batchSize * n > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          "batch_size = %d, but with input_size = %d at most %d is expected; gradient_accumulation_steps adds up batches"
              .formatted(batchSize, n, Integer.MAX_VALUE / n));
    }
  }

  static void require(String key, Object value, boolean holds, String wanted) {
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
    return schedule.rate(learningRate, warmupSteps, steps, step);
  }

  /** Every key with its value; the keys are those of transformers' TrainingArguments. */
  public ObjectNode toJson() {
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("max_steps", steps)
            .put("batch_size", batchSize)
            .put("gradient_accumulation_steps", accumulation)
            .put("optim", optimizer.word());
    optimizer.write(json);
    return json.put("weight_decay", optimizer.weightDecay())
        .put("learning_rate", learningRate)
        .put("warmup_steps", warmupSteps)
        .put("lr_scheduler_type", Named.key(schedule))
        .put("max_grad_norm", clipNorm)
        .put("logging_steps", logEvery)
        .put("eval_steps", evaluateEvery)
        .put("early_stopping_patience", patience)
        .put("save_steps", checkpointEvery)
        .put("save_total_limit", keepCheckpoints)
        .put("seed", seed)
        .put("threads", threads)
        .put("xla", xla)
        .put("kernels", kernels);
  }

  /**
   * Takes the keys of {@link #toJson}; all but {@code max_steps} have defaults.
   *
   * @throws InvalidInputException if a key is missing, unknown or out of its range
   */
  public static TrainerConfig parse(JsonObjectReader keys) {
    int steps = keys.integer("max_steps");
    TrainerConfig config =
        new TrainerConfig(
            steps,
            keys.integer("batch_size", 64),
            keys.integer("gradient_accumulation_steps", 1),
            Optimizer.take(keys),
            keys.number("learning_rate", 3e-3),
            keys.integer("warmup_steps", Math.min(100, steps / 10)),
            keys.choice("lr_scheduler_type", Schedule.LINEAR),
            keys.number("max_grad_norm", 1),
            keys.integer("logging_steps", 50),
            keys.integer("eval_steps", 0),
            keys.integer("early_stopping_patience", 0),
            keys.integer("save_steps", 500),
            keys.integer("save_total_limit", 2),
            keys.longInteger("seed", 1),
            keys.integer("threads", 0),
            keys.optionalFlag("xla"),
            keys.optionalFlag("kernels"));
    keys.refuseTheRest();
    return config;
  }
}
