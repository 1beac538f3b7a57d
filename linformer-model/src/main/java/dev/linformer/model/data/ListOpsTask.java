package dev.linformer.model.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.JsonKeys;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * ListOps as a task to train on: which expressions, how many of them, and the seed they come from.
 *
 * @param settings the expressions
 * @param train number of examples to learn from
 * @param validation number of examples to watch on
 * @param test number of examples to measure on
 * @param seed of all of them
 */
public record ListOpsTask(
    ListOps.Settings settings, int train, int validation, int test, long seed) {

  /** The task's word on the command line. */
  public static final String NAME = "listops";

  private static final int FULL_LENGTH = 2000;

  /**
   * The task for inputs of a length: Long Range Arena's own from 2,000 on; below, expressions of 11
   * to n tokens with up to 5 arguments, enough of them that two cores see each about once.
   *
   * @param inputSize n
   */
  public static ListOpsTask forInputSize(int inputSize, long seed) {
    if (inputSize >= FULL_LENGTH) {
      return new ListOpsTask(ListOps.Settings.LONG_RANGE_ARENA, 96_000, 2_000, 2_000, seed);
    }
    return new ListOpsTask(
        new ListOps.Settings(10, inputSize + 1, 10, 5), 192_000, 4_000, 4_000, seed);
  }

  /** The examples; equal tasks have equal ones. */
  public ListOpsSplits splits() {
    return ListOpsSplits.generate(settings, train, validation, test, seed);
  }

  /**
   * As many examples as {@code test} that are in none of the splits.
   *
   * @param newSeed another one than the task's
   */
  public List<Example> fresh(ListOpsSplits splits, long newSeed) {
    Set<Example> known = new HashSet<>(splits.train());
    known.addAll(splits.validation());
    known.addAll(splits.test());
    return ListOps.generate(settings, test, newSeed, known::contains);
  }

  /** Every key with its value. */
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("name", NAME)
        .put("min_length", settings.minLength())
        .put("max_length", settings.maxLength())
        .put("max_depth", settings.maxDepth())
        .put("max_args", settings.maxArguments())
        .put("num_train", train)
        .put("num_validation", validation)
        .put("num_test", test)
        .put("seed", seed);
  }

  /** Takes the keys of {@link #toJson}. */
  public static ListOpsTask parse(JsonKeys keys) {
    String name = keys.text("name", NAME);
    if (!name.equals(NAME)) {
      throw keys.invalid("name", name, NAME);
    }
    ListOpsTask task =
        new ListOpsTask(
            new ListOps.Settings(
                keys.integer("min_length"),
                keys.integer("max_length"),
                keys.integer("max_depth"),
                keys.integer("max_args")),
            keys.integer("num_train"),
            keys.integer("num_validation"),
            keys.integer("num_test"),
            keys.longInteger("seed"));
    keys.refuseTheRest();
    return task;
  }
}
