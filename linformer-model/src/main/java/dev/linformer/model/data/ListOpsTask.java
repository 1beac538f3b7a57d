package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.DataSizes;
import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.ModelConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * ListOps as a task to train on: which expressions, how many of them, and the seed they come from.
 *
 * <p>For inputs of 2,000 tokens or more it is Long Range Arena's own, unless other numbers are
 * given: 96,000, 2,000 and 2,000 expressions of 501 to 1,999 tokens. For shorter inputs it is
 * expressions of 11 to n tokens with up to 5 arguments, 192,000 of them: so many that two cores see
 * each about once.
 *
 * @param settings the expressions
 * @param train number of examples to learn from
 * @param validation number of examples to watch on
 * @param test number of examples to measure on
 * @param seed of all of them
 */
public record ListOpsTask(ListOps.Settings settings, int train, int validation, int test, long seed)
    implements Task {

  /** Makes every check. */
  public ListOpsTask {
    LanguageTask.examples("num_train", train);
    LanguageTask.examples("num_validation", validation);
    LanguageTask.examples("num_test", test);
  }

  /** The task's word on the command line. */
  public static final String NAME = "listops";

  private static final int FULL_LENGTH = 2000;

  /** The examples; equal tasks have equal ones. */
  ListOpsSplits splits() {
    return ListOpsSplits.generate(settings, train, validation, test, seed);
  }

  /**
   * As many examples as {@code test} that are in none of the splits.
   *
   * @param newSeed another one than the task's
   */
  List<Example> fresh(ListOpsSplits splits, long newSeed) {
    Set<Example> known = new HashSet<>(splits.train());
    known.addAll(splits.validation());
    known.addAll(splits.test());
    return ListOps.generate(settings, test, newSeed, known::contains);
  }

  @Override
  public String name() {
    return NAME;
  }

  /** Padding is not masked: behind an expression stand tokens of its own. */
  @Override
  public Objective objective() {
    return Objective.classPerSequence(false);
  }

  @Override
  public void check(ModelConfig model, String source) {
    LinformerClassifierConfig classifier =
        ModelKinds.require(
            LinformerClassifierConfig.class, LinformerClassifierConfig.TYPE, model, source, NAME);
    ModelKinds.requireTokens(
        source, classifier.vocabularySize(), "the task " + NAME, ListOps.VOCABULARY_SIZE);
    ModelKinds.requireSize(
        source,
        "num_classes",
        classifier.classes(),
        "the task %s has %s classes".formatted(NAME, ListOps.CLASSES),
        ListOps.CLASSES);
    int n = classifier.encoder().sequenceLength();
    if (settings.maxLength() - 1 > n) {
      throw new InvalidInputException(
          "%s: input_size = %s, but the task %s has expressions of up to %s tokens; lower max_length"
              .formatted(source, n, NAME, settings.maxLength() - 1));
    }
  }

  @Override
  public DataSizes sizes() {
    return new DataSizes(ListOps.VOCABULARY_SIZE, ListOps.CLASSES);
  }

  @Override
  public TaskData open(ModelConfig model) {
    return new ListOpsData(this, model.stacks().get(0).sequenceLength());
  }

  @Override
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put(Task.NAME, NAME)
        .put("min_length", settings.minLength())
        .put("max_length", settings.maxLength())
        .put("max_depth", settings.maxDepth())
        .put("max_args", settings.maxArguments())
        .put("num_train", train)
        .put("num_validation", validation)
        .put("num_test", test)
        .put("seed", seed);
  }

  static ListOpsTask take(JsonObjectReader keys, int inputSize) {
    boolean full = inputSize >= FULL_LENGTH;
    int minLength = keys.integer("min_length", full ? 500 : 10);
    int maxLength = keys.integer("max_length", full ? FULL_LENGTH : inputSize + 1);
    int maxDepth = keys.integer("max_depth", 10);
    int maxArguments = keys.integer("max_args", full ? 10 : 5);
    int train = keys.integer("num_train", full ? 96_000 : 192_000);
    int validation = keys.integer("num_validation", full ? 2_000 : 4_000);
    int test = keys.integer("num_test", full ? 2_000 : 4_000);
    long seed = keys.longInteger("seed", 1);
    try {
      return new ListOpsTask(
          new ListOps.Settings(minLength, maxLength, maxDepth, maxArguments),
          train,
          validation,
          test,
          seed);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "input_size = %s is too small for the task %s: %s"
              .formatted(inputSize, NAME, e.getMessage()),
          e);
    }
  }
}
