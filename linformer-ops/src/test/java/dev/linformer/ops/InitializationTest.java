package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

class InitializationTest {

  private static final Shape SHAPE = Shape.of(103, 101);

  @Test
  void constants() {
    assertArrayEquals(new double[103 * 101], draw(Initialization.ZEROS, TFloat64.class, 1));
    assertArrayEquals(Naive.ones(103 * 101), draw(Initialization.ONES, TFloat32.class, 1));
  }

  @ParameterizedTest
  @ValueSource(classes = {TFloat32.class, TFloat64.class})
  void linearIsUniformWithinTheRootOfItsInputs(Class<? extends TFloating> type) {
    double bound = 0.25;
    double[] values = draw(Initialization.linear(16), type, 1);
    double smallest = Arrays.stream(values).min().orElseThrow();
    double largest = Arrays.stream(values).max().orElseThrow();
    assertTrue(smallest >= -bound && smallest < -0.998 * bound, "smallest " + smallest);
    assertTrue(largest <= bound && largest > 0.998 * bound, "largest " + largest);
    assertEquals(0, mean(values), 4 * bound / Math.sqrt(3.0 * values.length));
    assertEquals(bound / Math.sqrt(3), standardDeviation(values), 0.03 * bound / Math.sqrt(3));
  }

  @ParameterizedTest
  @ValueSource(classes = {TFloat32.class, TFloat64.class})
  void normalHasItsStandardDeviationAndTails(Class<? extends TFloating> type) {
    double[] values = draw(Initialization.normal(0.7), type, 2);
    assertEquals(0, mean(values), 4 * 0.7 / Math.sqrt(values.length));
    assertEquals(0.7, standardDeviation(values), 0.03 * 0.7);
    // 0.27 % of a normal distribution, none of a uniform or a truncated one.
    double beyond = (double) Arrays.stream(values).filter(v -> Math.abs(v) > 2.1).count();
    assertEquals(0.0027, beyond / values.length, 4 * Math.sqrt(0.0027 / values.length));
  }

  @Test
  void xavierCountsBothSides() {
    var xavier = Initialization.xavierNormal(41, 9);
    assertEquals(Initialization.normal(0.2), xavier); // √(2/50)
    assertEquals(0.2, standardDeviation(draw(xavier, TFloat64.class, 3)), 0.03 * 0.2);
  }

  /** Seven columns for three rows: 3, 2 and 2 of them, the same in every head. */
  @Test
  void blocksSumNeighbours() {
    double x = Math.sqrt(3.0 / 7);
    double[] head = {x, x, x, 0, 0, 0, 0, 0, 0, 0, x, x, 0, 0, 0, 0, 0, 0, 0, x, x};
    Initialization blocks = Initialization.blocks(3, 7);
    assertArrayEquals(
        head, Graphs.evaluate(tf -> blocks.operand(tf, Shape.of(3, 7), TFloat64.class, 1)));
    double[] heads = Arrays.copyOf(head, 42);
    System.arraycopy(head, 0, heads, 21, 21);
    assertArrayEquals(
        heads, Graphs.evaluate(tf -> blocks.operand(tf, Shape.of(2, 3, 7), TFloat64.class, 1)));
  }

  /** The DCT-II by its formula, the same in every head; E·Eᵀ = I. */
  @Test
  void cosinesAreTheRowsOfTheTransform() {
    int k = 5;
    int n = 7;
    double[] head = new double[k * n];
    for (int r = 0; r < k; r++) {
      for (int i = 0; i < n; i++) {
        head[r * n + i] =
            Math.sqrt((r == 0 ? 1.0 : 2.0) / n) * Math.cos(Math.PI * (i + 0.5) * r / n);
      }
    }
    Initialization cosines = Initialization.cosines(n);
    double[] values =
        Graphs.evaluate(tf -> cosines.operand(tf, Shape.of(2, k, n), TFloat64.class, 1));
    Graphs.assertClose(head, Arrays.copyOf(values, k * n), 1e-14);
    assertArrayEquals(Arrays.copyOf(values, k * n), Arrays.copyOfRange(values, k * n, 2 * k * n));
    for (int r = 0; r < k; r++) {
      for (int s = 0; s < k; s++) {
        double product = 0;
        for (int i = 0; i < n; i++) {
          product += values[r * n + i] * values[s * n + i];
        }
        assertEquals(r == s ? 1 : 0, product, 1e-14);
      }
    }
  }

  /** Far from the origin, where an angle that isn't reduced would have lost its last digits. */
  @Test
  void cosinesOfLongSequences() {
    int k = 3000;
    int n = 100_003;
    double[] values =
        Graphs.evaluate(
            tf ->
                tf.slice(
                    Initialization.cosines(n).operand(tf, Shape.of(k, n), TFloat32.class, 1),
                    tf.constant(new int[] {k - 1, n - 1}),
                    tf.constant(new int[] {1, 1})));
    long steps = (2L * n - 1) * (k - 1) % (4L * n);
    assertEquals(Math.sqrt(2.0 / n) * Math.cos(Math.PI * steps / (2.0 * n)), values[0], 1e-9);
  }

  /** What is too large to be drawn at once is put together of halves, but blocks of all rows. */
  @Test
  void largeBlocksAreMadeOfAllRows() {
    Shape shape = Shape.of(4, 1L << 29);
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Initialization blocks = Initialization.blocks(4, 1L << 29);
      assertEquals(
          "BroadcastTo", blocks.operand(tf, shape, TFloat32.class, 1).asOutput().op().type());
      Initialization cosines = Initialization.cosines(1L << 29);
      assertEquals(
          "BroadcastTo", cosines.operand(tf, shape, TFloat32.class, 1).asOutput().op().type());
      Initialization normal = Initialization.normal(1);
      assertEquals("ConcatV2", normal.operand(tf, shape, TFloat32.class, 1).asOutput().op().type());
    }
  }

  /** What can be drawn at once is, and a single row, which has no halves. */
  @Test
  void theLargestThatAreDrawnAtOnce() {
    for (Shape shape : List.of(Shape.of(2, 1L << 29), Shape.of(1, 1L << 31))) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        var values = Initialization.normal(1).operand(tf, shape, TFloat32.class, 1);
        assertNotEquals("ConcatV2", values.asOutput().op().type());
      }
    }
  }

  /** Of two halves the second has the next seed; of any number of parts no two have the same. */
  @ParameterizedTest
  @ValueSource(longs = {2, 3, 4, 7, 8, 13})
  void partsOfLargeWeightsHaveSeedsOfTheirOwn(long rows) {
    for (var random : List.of(Initialization.normal(1), Initialization.linear(5))) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        random.operand(tf, Shape.of(rows, 1L << 30), TFloat32.class, 11);
        List<Output<?>> seeds = new ArrayList<>(); // [2]
        graph
            .operations()
            .forEachRemaining(
                operation -> {
                  if (operation.type().startsWith("StatelessRandom")) {
                    seeds.add(operation.input(1));
                  }
                });
        assertEquals(rows, seeds.size());
        Set<Long> found = new TreeSet<>();
        try (Session session = new Session(graph)) {
          for (var seed : seeds) {
            try (Result result = session.runner().fetch(seed).run()) {
              found.add(((TInt64) result.get(0)).getLong(0));
            }
          }
        }
        assertEquals(rows, found.size(), found::toString);
        assertTrue(found.contains(11L) && found.contains(12L), found::toString);
      }
    }
  }

  @Test
  void seedsDecide() {
    for (var random : List.of(Initialization.normal(1), Initialization.linear(5))) {
      double[] values = draw(random, TFloat32.class, 11);
      assertArrayEquals(values, draw(random, TFloat32.class, 11));
      for (long other : new long[] {0, 12, -11, 11L << 32}) {
        assertFalse(Arrays.equals(values, draw(random, TFloat32.class, other)), "seed " + other);
      }
    }
  }

  /** The values must not hang on what else the graph holds. */
  @Test
  void valuesDoNotDependOnThePlaceInTheGraph() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Initialization.normal(1).operand(tf, SHAPE, TFloat64.class, 5);
      var second = Initialization.normal(1).operand(tf, SHAPE, TFloat64.class, 6);
      assertArrayEquals(
          draw(Initialization.normal(1), TFloat64.class, 6), Graphs.evaluate(graph, second));
    }
  }

  private static double[] draw(
      Initialization initialization, Class<? extends TFloating> type, long seed) {
    return Graphs.evaluate(tf -> initialization.operand(tf, SHAPE, type, seed));
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  private static double standardDeviation(double[] values) {
    double mean = mean(values);
    return Math.sqrt(
        Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElseThrow());
  }
}
