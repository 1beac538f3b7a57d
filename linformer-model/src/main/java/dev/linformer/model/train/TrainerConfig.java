package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.TaskData;
import dev.linformer.runtime.Toggle;
import java.util.Locale;

/**
 * How a model is trained. Numbers are those of float32, in which a training computes: what would be
 * infinite there, or 0 where that is no value, is refused.
 *
 * <p>A training of 2,000 updates with a higher learning rate, measured every 200 of them:
 *
 * <pre>{@code
 * TrainerConfig config =
 *     TrainerConfig.builder(2000).learningRate(0.005).evaluateEvery(200).build();
 * }</pre>
 *
 * <p>The same from JSON, whose keys {@link #toJson} lists:
 *
 * <pre>{@code
 * TrainerConfig config =
 *     TrainerConfig.parse("{\"max_steps\": 2000, \"learning_rate\": 0.005, \"eval_steps\": 200}");
 * }</pre>
 *
 * <p>With {@link #forEpochs} the training's examples set the number of updates.
 *
 * @param steps number of updates; 0 until {@link #withStepsFor} counts those of the epochs
 * @param epochs how often the examples to learn from are seen; 0 if the steps are given instead
 * @param batchSize sequences that are computed at once, at most {@value #MOST_SEQUENCES}
 * @param accumulation batches whose gradients are added up for an update, at most {@value
 *     #MOST_PARTS}
 * @param optimizer what makes an update of gradients
 * @param learningRate the highest
 * @param warmupSteps updates over which the rate rises in a line from 0; −1, while the steps aren't
 *     counted, for the default
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
 * @param xla whether XLA compiles the graphs; {@link Toggle#AUTO}: where there is a GPU
 * @param kernels whether attentions, norms and GELU are kernels of their own where there are some;
 *     {@link Toggle#AUTO}: where they run
 */
public record TrainerConfig(
    int steps,
    double epochs,
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
    Toggle xla,
    Toggle kernels) {

  private static final String EPOCHS = "num_train_epochs";

  /** The most sequences that are computed at once. */
  public static final int MOST_SEQUENCES = 1 << 20;

  /** The most batches that are added up for an update: they are in memory together. */
  public static final int MOST_PARTS = 1 << 16;

  /** The most threads: TensorFlow starts them all. */
  public static final int MOST_THREADS = 1024;

  /**
   * Makes every check.
   *
   * @throws InvalidInputException if a value is out of its range
   */
  public TrainerConfig {
    if (epochs != 0) {
      Ranges.requirePositive(EPOCHS, epochs);
    }
    Ranges.requireAtLeast("steps", steps, epochs > 0 ? 0 : 1);
    Ranges.requireWithin("batch_size", batchSize, 1, MOST_SEQUENCES);
    Ranges.requireWithin("gradient_accumulation_steps", accumulation, 1, MOST_PARTS);
    Ranges.requirePositive("learning_rate", learningRate);
    Ranges.requireAtLeast(
        "warmup_steps", warmupSteps, steps == 0 ? TrainerConfigBuilder.UNCOUNTED : 0);
    Ranges.requirePositive("max_grad_norm", clipNorm);
    Ranges.requireAtLeast("logging_steps", logEvery, 1);
    Ranges.requireAtLeast("eval_steps", evaluateEvery, 0);
    Ranges.requireAtLeast("early_stopping_patience", patience, 0);
    Ranges.require(
        "early_stopping_patience",
        patience,
        patience == 0 || evaluateEvery > 0,
        "0 without eval_steps");
    Ranges.requireAtLeast("save_steps", checkpointEvery, 1);
    Ranges.requireAtLeast("save_total_limit", keepCheckpoints, 1);
    Ranges.requireWithin("threads", threads, 0, MOST_THREADS);
  }

  /**
   * A configuration in which all but the number of updates has the defaults of {@link
   * TrainerConfigBuilder}.
   *
   * @param steps number of updates, at least 1
   */
  public static TrainerConfigBuilder builder(int steps) {
    return new TrainerConfigBuilder(steps, 0);
  }

  /**
   * A configuration whose number of updates is that of some epochs, with the defaults of {@link
   * TrainerConfigBuilder}: {@link TrainingRun} counts them when it knows the examples.
   *
   * @param epochs how often the examples to learn from are seen, above 0; 1.5 for once and a half
   */
  public static TrainerConfigBuilder forEpochs(double epochs) {
    return new TrainerConfigBuilder(0, epochs);
  }

  /**
   * The same with the number of updates that its epochs are, each of as many batches as the
   * examples fill, or its own if it has no epochs.
   *
   * @throws InvalidInputException if the examples have no end, the epochs are too many, or a number
   *     of updates is given besides and is another
   */
  public TrainerConfig withStepsFor(TaskData data) {
    if (epochs == 0) {
      return this;
    }
    double batches = epochs * Math.max(1, data.examplesPerEpoch() / batchSize);
    double updates = Math.max(1, Math.ceil(batches / accumulation));
    if (updates > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s = %s: %.0f steps, but at most %s are expected",
              EPOCHS,
              epochs,
              updates,
              Integer.MAX_VALUE));
    }
    if (steps > 0 && steps != updates) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "max_steps = %s, but %s = %s makes %.0f steps here; leave out one of the two",
              steps,
              EPOCHS,
              epochs,
              updates));
    }
    return new TrainerConfigBuilder(this, (int) updates).build();
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
          "batch_size = %s, but with input_size = %s at most %s is expected; gradient_accumulation_steps adds up batches"
              .formatted(batchSize, n, Integer.MAX_VALUE / n));
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

  /**
   * Every key with its value, the epochs if there are some; the keys are those of transformers'
   * TrainingArguments.
   */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("max_steps", steps);
    if (epochs > 0) {
      json.put(EPOCHS, epochs);
    }
    json.put("batch_size", batchSize)
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
        .put("xla", xla.toBoolean())
        .put("kernels", kernels.toBoolean());
  }

  /**
   * A configuration from JSON, with the keys of {@link #toJson}; all but {@code max_steps}, or
   * {@code num_train_epochs}, have defaults.
   *
   * @throws InvalidInputException if the text isn't JSON, or a key is missing, unknown or out of
   *     its range
   */
  public static TrainerConfig parse(String json) {
    return parse(JsonObjectReader.parse("training_args", json));
  }

  /**
   * Takes the keys of {@link #toJson}; all but {@code max_steps}, or {@code num_train_epochs}, have
   * defaults.
   *
   * @throws InvalidInputException if a key is missing, unknown or out of its range
   */
  public static TrainerConfig parse(JsonObjectReader keys) {
    boolean epochsAlone = keys.has(EPOCHS) && !keys.has("max_steps");
    int steps = epochsAlone ? keys.integer("max_steps", 0) : keys.integer("max_steps");
    double epochs = keys.number(EPOCHS, 0);
    if (epochsAlone) {
      Ranges.requirePositive(EPOCHS, epochs);
    }
    TrainerConfigBuilder unset = new TrainerConfigBuilder(steps, epochs);
    TrainerConfig config =
        unset
            .batchSize(keys.integer("batch_size", unset.batchSize))
            .accumulation(keys.integer("gradient_accumulation_steps", unset.accumulation))
            .optimizer(Optimizer.take(keys))
            .learningRate(keys.number("learning_rate", unset.learningRate))
            .warmupSteps(keys.integer("warmup_steps", unset.warmupSteps))
            .schedule(keys.choice("lr_scheduler_type", unset.schedule))
            .clipNorm(keys.number("max_grad_norm", unset.clipNorm))
            .logEvery(keys.integer("logging_steps", unset.logEvery))
            .evaluateEvery(keys.integer("eval_steps", unset.evaluateEvery))
            .patience(keys.integer("early_stopping_patience", unset.patience))
            .checkpointEvery(keys.integer("save_steps", unset.checkpointEvery))
            .keepCheckpoints(keys.integer("save_total_limit", unset.keepCheckpoints))
            .seed(keys.longInteger("seed", unset.seed))
            .threads(keys.integer("threads", unset.threads))
            .xla(Toggle.of(keys.optionalFlag("xla")))
            .kernels(Toggle.of(keys.optionalFlag("kernels")))
            .build();
    keys.refuseTheRest();
    return config;
  }
}
