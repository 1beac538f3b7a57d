package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * What ListOps yields to a table that does not nest: a model has learned the task only as far as it
 * is above these. All three are accuracies from 0 to 1 on held-out examples.
 *
 * <p>On Long Range Arena's settings they come to about 0.17, 0.36 and 0.49, where the Transformer
 * and Linformer of that paper (arXiv 2011.04006, table 1) have 0.3637 and 0.3570.
 *
 * @param majority of always answering the most frequent label
 * @param rootOperator of answering by the first token
 * @param rootLiterals of answering by the first token and its value on those arguments of the root
 *     that are digits
 */
record ListOpsBaselines(double majority, double rootOperator, double rootLiterals) {
  private static final int NO_LITERALS = ListOps.CLASSES;

  /**
   * Fits the tables on one list and measures them on another. A key that the train list lacks is
   * answered by the next coarser table; of labels equally frequent, the smallest is answered.
   *
   * @throws InvalidInputException if a list is empty, or the root of an example is a digit
   */
  static ListOpsBaselines measure(List<Example> train, List<Example> heldOut) {
    if (train.isEmpty() || heldOut.isEmpty()) {
      throw new InvalidInputException(
          String.format(
              "baselines need examples to fit and to measure on: %s and %s given",
              train.size(), heldOut.size()));
    }
    ToIntFunction<Example> byMajority = fit(train, example -> 0, example -> 0);
    ToIntFunction<Example> byOperator = fit(train, ListOpsBaselines::root, byMajority);
    ToIntFunction<Example> byLiterals = fit(train, ListOpsBaselines::rootAndLiterals, byOperator);
    return new ListOpsBaselines(
        accuracy(heldOut, byMajority),
        accuracy(heldOut, byOperator),
        accuracy(heldOut, byLiterals));
  }

  private static ToIntFunction<Example> fit(
      List<Example> train, ToIntFunction<Example> key, ToIntFunction<Example> coarser) {
    Map<Integer, int[]> labelCounts = new HashMap<>();
    for (Example example : train) {
      int seen = key.applyAsInt(example);
      labelCounts.computeIfAbsent(seen, k -> new int[ListOps.CLASSES])[example.label()]++;
    }
    return example -> {
      int[] counts = labelCounts.get(key.applyAsInt(example));
      return counts == null ? coarser.applyAsInt(example) : mostFrequent(counts);
    };
  }

  private static int mostFrequent(int[] counts) {
    int best = 0;
    for (int label = 1; label < counts.length; label++) {
      best = counts[label] > counts[best] ? label : best;
    }
    return best;
  }

  private static double accuracy(List<Example> heldOut, ToIntFunction<Example> answer) {
    long right = heldOut.stream().filter(e -> answer.applyAsInt(e) == e.label()).count();
    return (double) right / heldOut.size();
  }

  private static int root(Example example) {
    int operator = example.token(0);
    if (!ListOps.isOperator(operator)) {
      throw new InvalidInputException(
          "ListOps' baselines need expressions with an operator, found " + example);
    }
    return operator;
  }

  private static int rootAndLiterals(Example example) {
    int depth = 0;
    IntStream.Builder literals = IntStream.builder();
    for (int i = 0; i < example.length(); i++) {
      int token = example.token(i);
      if (token == ListOps.CLOSE) {
        depth--;
      } else if (ListOps.isOperator(token)) {
        depth++;
      } else if (depth == 1) {
        literals.add(token - ListOps.FIRST_DIGIT);
      }
    }
    int[] digits = literals.build().toArray();
    int value = digits.length == 0 ? NO_LITERALS : ListOps.apply(root(example), digits);
    return root(example) * (NO_LITERALS + 1) + value;
  }
}
