package dev.linformer.model;

import dev.linformer.io.InvalidInputException;
import org.jspecify.annotations.Nullable;

/** Checks of single values that all kinds of configuration make. */
final class ConfigChecks {

  /** Values of a weight, or of one sequence: 16 GiB in float32. */
  static final long LARGEST_WEIGHT = 1L << 32;

  private ConfigChecks() {}

  /**
   * @throws InvalidInputException if the value is bad
   */
  static void refuseIf(boolean bad, String key, @Nullable Object value, String wanted) {
    if (bad) {
      throw InvalidInputException.ofValue(key, value, wanted);
    }
  }

  static void requireAtLeastOne(String key, @Nullable Integer value) {
    refuseIf(value != null && value < 1, key, value, "at least 1");
  }

  /** Checks a dropout rate. */
  static void requireRate(String key, double value) {
    refuseIf(!(value >= 0 && value < 1), key, value, "a rate from 0 up to, not including, 1");
  }

  /**
   * Checks the sizes of a weight.
   *
   * @param other key of the other size, which stays
   */
  static void requireWeight(String key, int value, String other, int otherValue) {
    requireProduct(key, value, LARGEST_WEIGHT, other, otherValue);
  }

  /**
   * Checks a product of two sizes.
   *
   * @param other key of the other size, which stays
   */
  static void requireProduct(String key, int value, long most, String other, int otherValue) {
    refuseIf(
        (long) value * otherValue > most,
        key,
        value,
        "at most %s with %s = %s".formatted(Math.max(1, most / otherValue), other, otherValue));
  }
}
