package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;

class DropoutTest {

  private static final int SIZE = 20_011;
  private static final double RATE = 0.3;

  @Test
  void withoutKeyOrRateNoOperationIsAdded() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x = Graphs.constant(tf, Shape.of(3), 1, 2, 3);
      var key = key(tf, 1, 0);
      int before = Graphs.operations(graph);
      assertSame(x, Dropout.apply(tf, x, RATE, null));
      assertSame(x, Dropout.apply(tf, x, 0, key));
      assertEquals(before, Graphs.operations(graph));
    }
  }

  /** With and without a key. */
  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 1.5, Double.NaN})
  void ratesOutOfTheirRangeAreRefused(double rate) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = ones(tf, Shape.of(2, 3, 5, 7));
      List<Executable> all =
          List.of(
              () -> Dropout.apply(tf, x, rate, null),
              () -> Dropout.apply(tf, x, rate, key(tf, 1, 0)),
              () -> Dropout.apply(tf, LinearOutput.none(x), rate, null),
              () -> Dropout.ofHeads(tf, x, 1, null, rate, null));
      for (Executable each : all) {
        var e = assertThrows(IllegalArgumentException.class, each);
        assertEquals("Dropout: rate in [0,1) expected, found " + rate, e.getMessage());
      }
    }
  }

  @Test
  void everyValueIsZeroOrDividedByTheShareKept() {
    double[] x = Graphs.normal(3, SIZE);
    double[] mask = mask(tf -> key(tf, 1, 0));
    double[] y =
        Graphs.evaluate(
            tf -> Dropout.apply(tf, Graphs.constant(tf, Shape.of(SIZE), x), RATE, key(tf, 1, 0)));
    for (int i = 0; i < SIZE; i++) {
      assertEquals(mask[i] == 0 ? 0 : x[i] / (1 - RATE), y[i], 1e-15 * Math.abs(y[i]));
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.1, 0.5, 0.9})
  void keepsItsShare(double rate) {
    double[] y =
        Graphs.evaluate(tf -> Dropout.apply(tf, ones(tf, Shape.of(SIZE)), rate, key(tf, 1, 0)));
    double kept = (double) Arrays.stream(y).filter(v -> v != 0).count() / SIZE;
    assertEquals(1 - rate, kept, 4 * Math.sqrt(rate * (1 - rate) / SIZE));
  }

  /** The mean over steps of each value, the steps fed to one graph. */
  @Test
  void expectationIsTheInput() {
    int steps = 2000;
    double[] x = Graphs.normal(5, 101);
    var sum = new double[x.length];
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      var seed = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(2)));
      var y =
          Dropout.apply(
              tf, Graphs.constant(tf, Shape.of(x.length), x), RATE, new RandomKey(seed).fold(4));
      for (int step = 0; step < steps; step++) {
        try (TInt64 fed = TInt64.vectorOf(1, step);
            var result = session.runner().feed(seed, fed).fetch(y).run()) {
          double[] values = Graphs.values((TFloat64) result.get(0));
          for (int i = 0; i < sum.length; i++) {
            sum[i] += values[i];
          }
        }
      }
    }
    double deviation = Math.sqrt(RATE / (1 - RATE) / steps); // of the mean of m/(1 - rate)
    for (int i = 0; i < sum.length; i++) {
      assertEquals(x[i], sum[i] / steps, 4 * deviation * Math.abs(x[i]));
    }
  }

  @Test
  void theSameKeyDrawsTheSameMask() {
    assertArrayEquals(mask(tf -> key(tf, 1, 0).fold(2)), mask(tf -> key(tf, 1, 0).fold(2)));
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      RandomKey key = key(tf, 1, 0);
      var one = Dropout.apply(tf, ones(tf, Shape.of(SIZE)), RATE, key);
      var two = Dropout.apply(tf, ones(tf, Shape.of(SIZE)), RATE, key);
      assertArrayEquals(Graphs.evaluate(graph, one), Graphs.evaluate(graph, two));
    }
  }

  @Test
  void float32DrawsTheMaskOfFloat64() {
    double[] narrow =
        Graphs.evaluate(
            tf ->
                Dropout.apply(
                    tf,
                    Graphs.constant(tf, TFloat32.class, Shape.of(SIZE), Naive.ones(SIZE)),
                    RATE,
                    key(tf, 1, 0)));
    Graphs.assertClose(mask(tf -> key(tf, 1, 0)), narrow, 1e-6);
  }

  /** Two masks that know nothing of each other agree in (1 − r)² + r² of all places. */
  @Test
  void otherStepsSeedsAndPlacesDrawIndependentMasks() {
    double[] mask = mask(tf -> key(tf, 1, 0).fold(0));
    List<double[]> others =
        List.of(
            mask(tf -> key(tf, 1, 1).fold(0)),
            mask(tf -> key(tf, 2, 0).fold(0)),
            mask(tf -> key(tf, 1, 0).fold(1)),
            mask(tf -> key(tf, 1, 0).fold(0).fold(0)),
            mask(tf -> key(tf, 1, 0)));
    double agreement = RATE * RATE + (1 - RATE) * (1 - RATE);
    double deviation = Math.sqrt(agreement * (1 - agreement) / SIZE);
    for (double[] other : others) {
      assertFalse(Arrays.equals(mask, other));
      int equal = 0;
      for (int i = 0; i < SIZE; i++) {
        equal += mask[i] == other[i] ? 1 : 0;
      }
      assertEquals(agreement, (double) equal / SIZE, 4 * deviation);
    }
  }

  @Test
  void gradientIsExactlyTheMask() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x = Graphs.constant(tf, Shape.of(SIZE), Graphs.normal(3, SIZE));
      var y = Dropout.apply(tf, x, RATE, key(tf, 1, 0));
      Operand<TFloat64> gradient =
          tf.gradients(tf.reduceSum(y, tf.constant(0)), List.of(x)).<TFloat64>dy(0);
      assertArrayEquals(mask(t -> key(t, 1, 0)), Graphs.evaluate(graph, gradient));
    }
  }

  @Test
  void gradientIsTheDifferenceQuotient() {
    GradientCheck.check(
        List.of(new GradientCheck.Input("x", Shape.of(2, 7, 13), Graphs.normal(3, 2 * 7 * 13))),
        (tf, in) -> Dropout.apply(tf, in.get(0), RATE, key(tf, 1, 0)));
  }

  @Test
  void theSizeOfTheBatchMayBeUnknown() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, 7)));
      var y = Dropout.apply(tf, x, RATE, key(tf, 1, 0));
      assertArrayEquals(new long[] {-1, 7}, y.shape().asArray());
      double[] fed = Graphs.evaluate(graph, y, x, Shape.of(3, 7), Naive.ones(21));
      double[] known =
          Graphs.evaluate(t -> Dropout.apply(t, ones(t, Shape.of(3, 7)), RATE, key(t, 1, 0)));
      assertArrayEquals(known, fed);
    }
  }

  /** 0 or 1/(1 − rate) for each of {@link #SIZE} values. */
  private static double[] mask(Function<Ops, RandomKey> key) {
    return Graphs.evaluate(tf -> Dropout.apply(tf, ones(tf, Shape.of(SIZE)), RATE, key.apply(tf)));
  }

  private static Operand<TFloat64> ones(Ops tf, Shape shape) {
    return tf.ones(tf.constant(shape), TFloat64.class);
  }

  /** Positions 3 to 6 of 7, and the last two of three heads, by themselves. */
  @Test
  void aPartDrawsWhatTheWholeDraws() {
    RandomParts whole = new RandomParts(7, 3, 0);
    RandomParts part = new RandomParts(4, 2, 3);
    double[] all = whole.mask(null);
    double[] some = part.mask(new long[] {1, 2});
    for (int b = 0; b < 2; b++) {
      for (int h = 0; h < 2; h++) {
        for (int n = 0; n < 4; n++) {
          for (int w = 0; w < 5; w++) {
            assertEquals(
                all[((b * 3 + h + 1) * 7 + n + 3) * 5 + w], some[((b * 2 + h) * 4 + n) * 5 + w], 0);
          }
        }
      }
    }
  }

  /** No two of them know of each other, whichever axis the heads are. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void headsSequencesAndPositionsDrawMasksOfTheirOwn(int headAxis) {
    int width = 2003;
    Shape shape = headAxis == 1 ? Shape.of(2, 3, 2, width) : Shape.of(2, 2, 3, width);
    double[] all =
        Graphs.evaluate(
            tf -> Dropout.ofHeads(tf, ones(tf, shape), headAxis, null, RATE, key(tf, 1, 2)));
    double agreement = RATE * RATE + (1 - RATE) * (1 - RATE);
    double deviation = Math.sqrt(agreement * (1 - agreement) / width);
    for (int one = 0; one < 12; one++) {
      for (int other = 0; other < one; other++) {
        int equal = 0;
        for (int i = 0; i < width; i++) {
          equal += all[one * width + i] == all[other * width + i] ? 1 : 0;
        }
        assertEquals(agreement, (double) equal / width, 4 * deviation, one + " and " + other);
      }
    }
  }

  private record RandomParts(long n, long h, long from) {
    double[] mask(long @Nullable [] numbers) {
      return Graphs.evaluate(
          tf ->
              Dropout.ofHeads(
                  tf,
                  ones(tf, Shape.of(2, h, n, 5)),
                  1,
                  numbers == null ? null : tf.constant(numbers),
                  RATE,
                  new RandomKey(tf.constant(new long[] {1, 2})).at(tf.constant(from))));
    }
  }

  private static RandomKey key(Ops tf, long seed, long step) {
    return new RandomKey(tf.constant(new long[] {seed, step}));
  }
}
