package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;

/** Arrays of floats that ought to be equal but for rounding. */
final class Close {

  private Close() {}

  /** The largest difference, as a part of the largest expected value. */
  static double difference(float[] expected, float[] found) {
    assertEquals(expected.length, found.length);
    double largest =
        IntStream.range(0, expected.length)
            .mapToDouble(i -> Math.abs(expected[i]))
            .max()
            .orElseThrow();
    double difference =
        IntStream.range(0, expected.length)
            .mapToDouble(i -> Math.abs((double) expected[i] - found[i]))
            .max()
            .orElseThrow();
    assertTrue(largest > 1e-3, "nothing to compare");
    assertTrue(
        IntStream.range(0, found.length).allMatch(i -> Float.isFinite(found[i])), "not finite");
    return difference / largest;
  }

  static void assertClose(String what, float[] expected, float[] found) {
    assertClose(what, expected, found, 1e-5);
  }

  static void assertClose(String what, float[] expected, float[] found, double limit) {
    double difference = difference(expected, found);
    assertTrue(difference <= limit, () -> "%s differs by %.2g".formatted(what, difference));
  }
}
