package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;

class PositionalEncodingTest {

  /** 100000^(−2·1/4) = 1/√100000. */
  private static final double SLOW = 1 / Math.sqrt(100_000);

  /** Sines first, then cosines: they don't take turns. */
  @Test
  void byHand() {
    double[] expected = {
      0,
      0,
      1,
      1,
      Math.sin(1),
      Math.sin(SLOW),
      Math.cos(1),
      Math.cos(SLOW),
      Math.sin(2),
      Math.sin(2 * SLOW),
      Math.cos(2),
      Math.cos(2 * SLOW)
    };
    Graphs.assertClose(
        expected,
        Graphs.evaluate(tf -> PositionalEncoding.sinusoid(tf, 3, 4, TFloat64.class)),
        1e-15);
    Graphs.assertClose(
        expected,
        Graphs.evaluate(tf -> PositionalEncoding.sinusoid(tf, 3, 4, TFloat32.class)),
        1e-6);
  }

  @Test
  void theFastestTurnsOncePerTwoPi() {
    double[] y = Graphs.evaluate(tf -> PositionalEncoding.sinusoid(tf, 1009, 2, TFloat64.class));
    Graphs.assertClose(
        new double[] {Math.sin(1008), Math.cos(1008)}, new double[] {y[2016], y[2017]}, 1e-12);
  }

  @Test
  void itsShapeIsKnown() {
    try (Graph graph = new Graph()) {
      var y = PositionalEncoding.sinusoid(Ops.create(graph), 7, 6, TFloat32.class);
      assertEquals(Shape.of(7, 6), y.shape());
    }
  }

  @Test
  void refusesAnOddNumberOfChannels() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var error =
          assertThrows(
              IllegalArgumentException.class,
              () -> PositionalEncoding.sinusoid(tf, 3, 5, TFloat32.class));
      assertEquals(
          "PositionalEncoding: an even number of channels expected, found 5", error.getMessage());
    }
  }
}
