package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Arrays of floats that two programs, or one program in two graphs, computed from small models.
 *
 * <p>Where {@link Oracle} cannot say of each output what rounding may do to it, for it only knows a
 * model's own output, {@link #LIMIT} is taken. Each of two programs is {@link Oracle#ROUNDINGS}
 * unit roundoffs of the sum of magnitudes from float64, and that sum is at most {@link #MAGNITUDE}
 * times the largest output of the models of {@link ModelZoo} and {@link Models}, as {@link
 * ModelZooExportTest#withoutMasks} checks.
 */
final class Close {

  static final double MAGNITUDE = 64;
  static final double LIMIT = 2 * Oracle.ROUNDINGS * Oracle.UNIT * MAGNITUDE;

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

  /** Fails if the largest difference is above {@link #LIMIT}. */
  static void assertClose(String what, float[] expected, float[] found) {
    double difference = difference(expected, found);
    assertTrue(
        difference <= LIMIT,
        () -> String.format(Locale.ROOT, "%s differs by %.2g", what, difference));
  }
}
