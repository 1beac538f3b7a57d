package dev.linformer.model.data;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/** Expressions to learn from, to choose by, and to report on; none is in two of the lists. */
record ListOpsSplits(List<Example> train, List<Example> validation, List<Example> test) {
  /**
   * Draws the three lists. The test list is drawn first and the train list last, so that the
   * held-out lists of a seed stay the same whatever the number of train examples.
   *
   * @throws dev.linformer.io.InvalidInputException if the settings do not yield that many
   *     expressions
   */
  static ListOpsSplits generate(
      ListOps.Settings settings, int train, int validation, int test, long seed) {
    SplittableRandom seeds = new SplittableRandom(seed);
    Set<Example> drawn = new HashSet<>();
    List<Example> testList = ListOps.generate(settings, test, seeds.nextLong(), drawn::contains);
    drawn.addAll(testList);
    List<Example> validationList =
        ListOps.generate(settings, validation, seeds.nextLong(), drawn::contains);
    drawn.addAll(validationList);
    return new ListOpsSplits(
        ListOps.generate(settings, train, seeds.nextLong(), drawn::contains),
        validationList,
        testList);
  }
}
