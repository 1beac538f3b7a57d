package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;

/** Refusals of values that are out of their range, in float32 where a training computes in it. */
final class Ranges {

  private Ranges() {}

  /**
   * Refuses a value.
   *
   * @param holds whether the value is in its range
   * @param wanted the range, in words
   */
  static void require(String key, Object value, boolean holds, String wanted) {
    if (!holds) {
      throw InvalidInputException.ofValue(key, value, wanted);
    }
  }

  /** Refuses a whole number that is not from {@code least} to {@code most}. */
  static void requireWithin(String key, int value, int least, int most) {
    String wanted = value < least ? "at least " + least : "at most " + most;
    require(key, value, value >= least && value <= most, wanted);
  }

  /** Refuses a whole number below {@code least}. */
  static void requireAtLeast(String key, int value, int least) {
    require(key, value, value >= least, "at least " + least);
  }

  /** Refuses a share that is not in [0,1), also where float32 rounds it to 1. */
  static void requireShare(String key, double value) {
    require(key, value, value >= 0 && (float) value < 1, "a number in [0,1) within float32");
  }

  /** Refuses a decay that is not at least 0 and finite in float32. */
  static void requireDecay(double value) {
    require(
        "weight_decay",
        value,
        value >= 0 && Float.isFinite((float) value),
        "a number from 0 on within float32");
  }

  /** Refuses what is not above 0 and finite in float32. */
  static void requirePositive(String key, double value) {
    require(
        key,
        value,
        (float) value > 0 && Float.isFinite((float) value),
        "a number above 0 within float32");
  }
}
