package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.function.Executable;

/** Of all tensors, so that one that is off doesn't hide the others. */
public final class Comparison {

  /**
   * For float32, where gradients are sums of large terms that cancel: the most that was found, on
   * an AMD EPYC and without TensorFlow's passes over a graph, is 1.3e-5 of a tensor's largest
   * value. Other processors add in other orders, so four times that is allowed. Whether formulas
   * are right is asked in float64.
   */
  public static final double FLOAT32 = 5e-5;

  private final double tolerance;
  private final double least;
  private final List<Executable> checks = new ArrayList<>();
  private double largest;

  /**
   * @param tolerance relative to a tensor's largest value
   * @param least what counts as the largest value where it is smaller
   */
  public Comparison(double tolerance, double least) {
    this.tolerance = tolerance;
    this.least = least;
  }

  /** Adds a tensor. */
  public void add(String what, double[] expected, double[] found) {
    double unit = largestOf(expected);
    // Zero in exact arithmetic (a bias that shifts all scores of a softmax alike, say).
    if (unit < 1e-12) {
      double allowed = tolerance * Math.max(1, least);
      checks.add(() -> assertArrayEquals(expected, found, allowed, what));
      return;
    }
    double scale = Math.max(unit, least);
    checks.add(() -> Values.assertClose(what, expected, found, tolerance * scale / unit));
    for (int i = 0; i < Math.min(expected.length, found.length); i++) {
      largest = Math.max(largest, Math.abs(expected[i] - found[i]) / scale);
    }
  }

  /** The largest difference, relative to its tensor's largest value. */
  public double largest() {
    return largest;
  }

  /** Fails where a tensor is off. */
  public void check() {
    assertAll(checks);
  }

  /** The largest magnitude. */
  public static double largestOf(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElse(0);
  }
}
