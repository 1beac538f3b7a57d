package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NaiveTest {

  /** Values of mpmath 1.3.0 at 30 digits. */
  @ParameterizedTest
  @CsvSource({
    "1e-9, 1.1283791670955126438e-9",
    "0.01, 0.011283415555849617151",
    "0.5, 0.52049987781304653768",
    "1, 0.84270079294971486934",
    "1.7, 0.98379045859077456084",
    "2.5, 0.99959304798255504106",
    "3.3, 0.99999694229020356183",
    "4.5, 0.99999999980338395585",
    "5.9, 0.9999999999999999281",
    "7, 1.0"
  })
  void erfHasFourteenDigits(double x, double expected) {
    assertEquals(expected, Naive.erf(x), 1e-14 * Math.abs(expected));
    assertEquals(-expected, Naive.erf(-x), 1e-14 * Math.abs(expected));
  }

  @Test
  void softmaxOfLogarithmsIsTheirShares() {
    double[] x = {Math.log(1), Math.log(3), Math.log(4), Math.log(4)};
    Graphs.assertClose(new double[] {0.25, 0.75, 0.5, 0.5}, Naive.softmax(x, 2), 1e-15);
  }

  @Test
  void projectionMixesPositions() {
    double[] e = {1, 0, 2, 0, 3, 0}; // [k,n] = [2,3]
    double[] x = {1, 2, 3, 4, 5, 6}; // [n,d] = [3,2]
    Graphs.assertClose(
        new double[] {11 + 10, 14 + 10, 9 + 20, 12 + 20},
        Naive.project(e, new double[] {10, 20}, x),
        0);
  }
}
