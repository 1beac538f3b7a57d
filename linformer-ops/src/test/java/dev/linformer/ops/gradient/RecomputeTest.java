package dev.linformer.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.Dropout;
import dev.linformer.ops.GradientCheck;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

class RecomputeTest {

  private static final ChunkPlan ONE = new ChunkPlan(1, 1, ChunkPlan.SUM);

  /** Sums of parts are added in another order than one long sum. */
  private static final double ROUNDING = 1e-14;

  /** The body as it is, without recomputation. */
  static <T extends TFloating> Operand<T> plain(
      Ops tf, List<SegmentInput> inputs, SegmentBody<T> body) {
    Substitution of = new Substitution(operand -> operand);
    inputs.forEach(input -> of.put(input.operand(), input.operand()));
    return body.call(tf, of);
  }

  /** How a body becomes a part of the graph. */
  private record Way(boolean recomputed) {

    <T extends TFloating> Operand<T> of(
        Ops tf, ChunkPlan parts, List<SegmentInput> inputs, SegmentBody<T> body) {
      return recomputed ? Recompute.parts(tf, parts, inputs, body) : plain(tf, inputs, body);
    }

    <T extends TFloating> Operand<T> of(Ops tf, List<Operand<T>> inputs, SegmentBody<T> body) {
      return recomputed
          ? Recompute.call(tf, inputs, body)
          : plain(tf, inputs.stream().map(SegmentInput::whole).toList(), body);
    }
  }

  /** A function of inputs x. */
  @FunctionalInterface
  private interface Model {
    <T extends TFloating> Operand<T> y(Ops tf, List<Operand<T>> x, Way way);
  }

  private static <T extends TFloating> Operand<T> layer(Ops tf, Operand<T> x, Operand<T> w) {
    return tf.math.tanh(tf.linalg.matMul(x, w));
  }

  private static <T extends TFloating> Operand<T> flat(Ops tf, Operand<T> x) {
    return tf.reshape(x, tf.constant(new int[] {-1}));
  }

  private static <T extends TFloating> Operand<T> loss(Ops tf, Operand<T> y) {
    return tf.sum(tf.math.square(flat(tf, y)), tf.constant(0));
  }

  private static double[] evaluate(Graph graph, ConfigProto config, Operand<TFloat64> operand) {
    try (Session session = new Session(graph, config);
        var result = session.runner().fetch(operand).run()) {
      TFloat64 tensor = (TFloat64) result.get(0);
      double[] values = new double[Math.toIntExact(tensor.size())];
      tensor.asRawTensor().data().asDoubles().read(values);
      return values;
    }
  }

  /** Output, then the gradient of each input, in one list. */
  private static <T extends TFloating> double[] all(
      Ops tf, Graph graph, ConfigProto config, Operand<T> y, List<Operand<T>> x) {
    var gradients = tf.gradients(loss(tf, y), x);
    List<Operand<TFloat64>> parts = new ArrayList<>();
    parts.add(tf.dtypes.cast(flat(tf, y), TFloat64.class));
    for (int i = 0; i < x.size(); i++) {
      Operand<T> dx = gradients.dy(i);
      assertEquals(x.get(i).shape(), dx.shape(), "gradient of input " + i);
      parts.add(tf.dtypes.cast(flat(tf, dx), TFloat64.class));
    }
    return evaluate(graph, config, tf.concat(parts, tf.constant(0)));
  }

  private static <T extends TFloating> double[] all(
      Class<T> type, ConfigProto config, Model model, Way way, Shape... shapes) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<T>> x = new ArrayList<>();
      for (Shape shape : shapes) {
        x.add(Graphs.constant(tf, type, shape, Graphs.normal(x.size(), shape.size())));
      }
      return all(tf, graph, config, model.y(tf, x, way), x);
    }
  }

  /** Output and gradients are the same with and without recomputation. */
  private static void same(double tolerance, Model model, Shape... shapes) {
    double[] expected = all(TFloat64.class, Memory.exact(), model, new Way(false), shapes);
    double[] found = all(TFloat64.class, Memory.exact(), model, new Way(true), shapes);
    if (tolerance == 0) {
      assertArrayEquals(expected, found);
    } else {
      Graphs.assertClose(expected, found, tolerance);
    }
    ConfigProto usual = ConfigProto.getDefaultInstance();
    Graphs.assertClose(
        all(TFloat32.class, usual, model, new Way(false), shapes),
        all(TFloat32.class, usual, model, new Way(true), shapes),
        1e-6);
  }

  private static <T extends TFloating> Operand<T> onePart(Ops tf, List<Operand<T>> x, Way way) {
    return way.of(tf, x, (inner, of) -> layer(inner, of.get(x.get(0)), of.get(x.get(1))));
  }

  @Test
  void onePart() {
    same(0, RecomputeTest::onePart, Shape.of(7, 5), Shape.of(5, 3));
  }

  private static <T extends TFloating> Operand<T> rows(Ops tf, List<Operand<T>> x, Way way) {
    return way.of(
        tf,
        new ChunkPlan(7, 3, 0),
        List.of(SegmentInput.along(x.get(0), 0), SegmentInput.whole(x.get(1))),
        (inner, of) -> layer(inner, of.get(x.get(0)), of.get(x.get(1))));
  }

  @Test
  void partsOfRowsWithARemainder() {
    same(ROUNDING, RecomputeTest::rows, Shape.of(7, 5), Shape.of(5, 3));
  }

  private static <T extends TFloating> Operand<T> columns(Ops tf, List<Operand<T>> x, Way way) {
    return way.of(
        tf,
        new ChunkPlan(3, 2, 1),
        List.of(SegmentInput.whole(x.get(0)), SegmentInput.along(x.get(1), 1)),
        (inner, of) -> layer(inner, of.get(x.get(0)), of.get(x.get(1))));
  }

  @Test
  void partsOfColumns() {
    same(ROUNDING, RecomputeTest::columns, Shape.of(7, 5), Shape.of(5, 3));
  }

  private static <T extends TFloating> Operand<T> summed(Ops tf, List<Operand<T>> x, Way way) {
    // tanh(x·W1)·W2, the hidden units in parts
    return way.of(
        tf,
        new ChunkPlan(11, 4, ChunkPlan.SUM),
        List.of(
            SegmentInput.whole(x.get(0)),
            SegmentInput.along(x.get(1), 1),
            SegmentInput.along(x.get(2), 0)),
        (inner, of) ->
            inner.linalg.matMul(
                layer(inner, of.get(x.get(0)), of.get(x.get(1))), of.get(x.get(2))));
  }

  @Test
  void partsThatAreAdded() {
    same(ROUNDING, RecomputeTest::summed, Shape.of(7, 5), Shape.of(5, 11), Shape.of(11, 3));
  }

  private static <T extends TFloating> Operand<T> row(Ops tf, List<Operand<T>> x, Way way) {
    Operand<T> r = x.get(2);
    if (way.recomputed) {
      return way.of(
          tf,
          new ChunkPlan(7, 3, 0),
          List.of(
              SegmentInput.along(x.get(0), 0),
              SegmentInput.whole(x.get(1)),
              SegmentInput.row(r, 0)),
          (inner, of) ->
              inner.math.mul(
                  layer(inner, of.get(x.get(0)), of.get(x.get(1))), of.get(r))); // [·,3]·[1,3]
    }
    Operand<TInt32> part = tf.constant(new int[] {0, 0, 0, 1, 1, 1, 2});
    return tf.math.mul(
        layer(tf, x.get(0), x.get(1)), tf.gather(r, part, tf.constant(0))); // [7,3]·[7,3]
  }

  @Test
  void aRowForEachPart() {
    same(ROUNDING, RecomputeTest::row, Shape.of(7, 5), Shape.of(5, 3), Shape.of(3, 3));
  }

  private static <T extends TFloating> Operand<T> scaled(Ops tf, List<Operand<T>> x, Way way) {
    // Each of 7 units has one row of x and two of the other input.
    return way.of(
        tf,
        new ChunkPlan(7, 3, 0),
        List.of(
            SegmentInput.along(x.get(0), 0),
            SegmentInput.whole(x.get(1)),
            SegmentInput.along(x.get(2), 0)),
        (inner, of) -> {
          Operand<T> pairs =
              inner.reshape(of.get(x.get(2)), inner.constant(new int[] {-1, 2, 3})); // [u,2,3]
          return inner.math.mul(
              layer(inner, of.get(x.get(0)), of.get(x.get(1))), // [u,3]
              inner.sum(inner.math.square(pairs), inner.constant(1))); // [u,3]
        });
  }

  @Test
  void anInputLongerThanTheUnits() {
    same(ROUNDING, RecomputeTest::scaled, Shape.of(7, 5), Shape.of(5, 3), Shape.of(14, 3));
  }

  private static <T extends TFloating> Operand<T> masked(Ops tf, List<Operand<T>> x, Way way) {
    Operand<TBool> mask =
        tf.reshape(
            tf.constant(new boolean[] {true, false, true, true, false, true, true}),
            tf.constant(new int[] {7, 1}));
    Operand<TInt64> seed = tf.constant(new long[] {13, 17});
    return way.of(
        tf,
        ONE,
        List.of(
            SegmentInput.whole(x.get(0)),
            SegmentInput.whole(x.get(1)),
            SegmentInput.whole(mask),
            SegmentInput.whole(seed)),
        (inner, of) -> {
          Operand<T> y =
              Dropout.apply(
                  inner,
                  layer(inner, of.get(x.get(0)), of.get(x.get(1))),
                  0.4,
                  new RandomKey(of.get(seed)).fold(3));
          return inner.select(of.get(mask), y, inner.zerosLike(y));
        });
  }

  @Test
  void masksAndTheSameDropoutAgain() {
    same(0, RecomputeTest::masked, Shape.of(7, 5), Shape.of(5, 3));
  }

  private static <T extends TFloating> Operand<T> seeds(Ops tf, List<Operand<T>> x, Way way) {
    Operand<T> w = x.get(1);
    Operand<TInt64> seeds =
        tf.reshape(tf.constant(new long[] {13, 17, 19, 23, 29, 31}), tf.constant(new int[] {3, 2}));
    if (way.recomputed) {
      return way.of(
          tf,
          new ChunkPlan(7, 3, 0),
          List.of(
              SegmentInput.along(x.get(0), 0), SegmentInput.whole(w), SegmentInput.row(seeds, 0)),
          (inner, of) -> dropped(inner, of.get(x.get(0)), of.get(w), of.get(seeds)));
    }
    List<Operand<T>> parts = new ArrayList<>();
    for (int p = 0; p < 3; p++) {
      Operand<T> some =
          tf.slice(
              x.get(0),
              tf.constant(new int[] {3 * p, 0}),
              tf.constant(new int[] {p < 2 ? 3 : 1, 5}));
      Operand<TInt64> seed =
          tf.slice(seeds, tf.constant(new int[] {p, 0}), tf.constant(new int[] {1, 2}));
      parts.add(dropped(tf, some, w, seed));
    }
    return tf.concat(parts, tf.constant(0));
  }

  private static <T extends TFloating> Operand<T> dropped(
      Ops tf, Operand<T> x, Operand<T> w, Operand<TInt64> seed) {
    RandomKey key = new RandomKey(tf.reshape(seed, tf.constant(new int[] {2})));
    return Dropout.apply(tf, layer(tf, x, w), 0.4, key);
  }

  @Test
  void aSeedForEachPart() {
    same(ROUNDING, RecomputeTest::seeds, Shape.of(7, 5), Shape.of(5, 3));
  }

  private static <T extends TFloating> Operand<T> shared(Ops tf, List<Operand<T>> x, Way way) {
    Operand<T> w = x.get(1);
    Operand<T> first = way.of(tf, x, (inner, of) -> layer(inner, of.get(x.get(0)), of.get(w)));
    return way.of(tf, List.of(first, w), (inner, of) -> layer(inner, of.get(first), of.get(w)));
  }

  @Test
  void oneWeightInTwoSegments() {
    same(0, RecomputeTest::shared, Shape.of(7, 5), Shape.of(5, 5));
  }

  private static <T extends TFloating> Operand<T> nested(Ops tf, List<Operand<T>> x, Way way) {
    return way.of(
        tf,
        x,
        (inner, of) -> {
          Operand<T> a = of.get(x.get(0));
          Operand<T> w = of.get(x.get(1));
          Operand<T> v = of.get(x.get(2));
          Operand<T> b =
              way.of(
                  inner,
                  new ChunkPlan(7, 3, 0),
                  List.of(SegmentInput.along(a, 0), SegmentInput.whole(w)),
                  (third, within) -> layer(third, within.get(a), within.get(w)));
          return way.of(
              inner, List.of(b, v), (third, within) -> layer(third, within.get(b), within.get(v)));
        });
  }

  @Test
  void segmentsInsideSegments() {
    same(ROUNDING, RecomputeTest::nested, Shape.of(7, 5), Shape.of(5, 3), Shape.of(3, 2));
  }

  @Test
  void gradientOfAnInputThatIsNotUsedIsZero() {
    double[] found =
        all(
            TFloat64.class,
            Memory.exact(),
            RecomputeTest::unused,
            new Way(true),
            Shape.of(7, 5),
            Shape.of(5, 3),
            Shape.of(2));
    double[] expected =
        all(
            TFloat64.class,
            Memory.exact(),
            RecomputeTest::onePart,
            new Way(false),
            Shape.of(7, 5),
            Shape.of(5, 3));
    assertArrayEquals(Arrays.copyOf(expected, expected.length + 2), found);
  }

  private static <T extends TFloating> Operand<T> unused(Ops tf, List<Operand<T>> x, Way way) {
    return onePart(tf, x, way); // x.get(2) is an input too
  }

  @Test
  void batchSizesThatAreNotKnownBefore() {
    try (Graph graph = new Graph();
        Session session = new Session(graph, Memory.exact())) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = tf.placeholder(TFloat64.class, Placeholder.shape(Shape.of(-1, 5)));
      Operand<TFloat64> w = Graphs.constant(tf, Shape.of(5, 3), Graphs.normal(2, 15));
      List<Operand<TFloat64>> fetches = new ArrayList<>();
      for (Way way : List.of(new Way(false), new Way(true))) {
        Operand<TFloat64> y = onePart(tf, List.of(x, w), way);
        Operand<TFloat64> z = columns(tf, List.of(x, w), way);
        var gradients = tf.gradients(loss(tf, tf.math.mul(y, z)), List.of(x, w));
        fetches.add(flat(tf, y));
        fetches.add(flat(tf, gradients.<TFloat64>dy(0)));
        fetches.add(flat(tf, gradients.<TFloat64>dy(1)));
      }
      for (int batch : new int[] {2, 7}) {
        var fed = DataBuffers.of(Graphs.normal(batch, 5L * batch));
        try (TFloat64 tensor = TFloat64.tensorOf(Shape.of(batch, 5), fed)) {
          var runner = session.runner().feed(x, tensor);
          fetches.forEach(runner::fetch);
          try (var result = runner.run()) {
            for (int i = 0; i < 3; i++) {
              TFloat64 expected = (TFloat64) result.get(i);
              TFloat64 found = (TFloat64) result.get(i + 3);
              assertEquals(expected.size(), found.size());
              for (long j = 0; j < expected.size(); j++) {
                assertEquals(expected.getDouble(j), found.getDouble(j), 1e-13, "batch " + batch);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void gradientsAgainstDifferences() {
    List<GradientCheck.Input> inputs =
        List.of(
            new GradientCheck.Input("x", Shape.of(7, 5), Graphs.normal(1, 35)),
            new GradientCheck.Input("w", Shape.of(5, 3), Graphs.normal(2, 15)),
            new GradientCheck.Input("v", Shape.of(3, 2), Graphs.normal(3, 6)));
    GradientCheck.check(inputs, (tf, x) -> nested(tf, x, new Way(true)));
  }

  @Test
  void gradientsTakenTwiceFromOneGraph() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = Graphs.constant(tf, Shape.of(7, 5), Graphs.normal(0, 35));
      Operand<TFloat64> w = Graphs.constant(tf, Shape.of(5, 3), Graphs.normal(1, 15));
      Operand<TFloat64> y = rows(tf, List.of(x, w), new Way(true));
      double[] once = all(tf, graph, Memory.exact(), y, List.of(x, w));
      double[] twice = all(tf, graph, Memory.exact(), y, List.of(x, w));
      assertArrayEquals(once, twice);
    }
  }

  @Test
  void inputsOfTwoTypes() {
    List<double[]> found = new ArrayList<>();
    for (Way way : List.of(new Way(false), new Way(true))) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        Operand<TBfloat16> x =
            Graphs.constant(tf, TBfloat16.class, Shape.of(7, 5), Graphs.normal(1, 35));
        Operand<TFloat32> w =
            Graphs.constant(tf, TFloat32.class, Shape.of(5, 3), Graphs.normal(2, 15));
        Operand<TFloat32> y =
            way.of(
                tf,
                new ChunkPlan(7, 7, 0),
                List.of(SegmentInput.along(x, 0), SegmentInput.whole(w)),
                (inner, of) ->
                    layer(inner, inner.dtypes.cast(of.get(x), TFloat32.class), of.get(w)));
        var gradients = tf.gradients(loss(tf, y), List.of(x, w));
        Operand<TBfloat16> dx = gradients.dy(0);
        Operand<TFloat32> dw = gradients.dy(1);
        assertEquals(TBfloat16.class, dx.type());
        found.add(
            evaluate(
                graph,
                Memory.exact(),
                tf.concat(
                    List.of(
                        tf.dtypes.cast(flat(tf, dx), TFloat64.class),
                        tf.dtypes.cast(flat(tf, dw), TFloat64.class)),
                    tf.constant(0))));
      }
    }
    assertArrayEquals(found.get(0), found.get(1));
  }

  /**
   * In bfloat16 a sum of ones would stop at 256: that of the parts, and that of their gradients.
   */
  @Test
  void sumsOfManyPartsAreWide() {
    int parts = 300;
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var ones = new double[parts];
      Arrays.fill(ones, 1);
      Operand<TBfloat16> x = Graphs.constant(tf, TBfloat16.class, Shape.of(parts, 1), ones);
      Operand<TBfloat16> w = Graphs.constant(tf, TBfloat16.class, Shape.of(1, 1), 1);
      Operand<TBfloat16> y =
          Recompute.parts(
              tf,
              new ChunkPlan(parts, 1, ChunkPlan.SUM),
              List.of(SegmentInput.along(x, 0), SegmentInput.whole(w)),
              (inner, of) -> inner.linalg.matMul(of.get(x), of.get(w)));
      Operand<TBfloat16> dw = tf.gradients(y, List.of(w)).dy(0);
      assertEquals(TBfloat16.class, y.type());
      assertEquals(TBfloat16.class, dw.type());
      Operand<TFloat64> both =
          tf.dtypes.cast(tf.concat(List.of(y, dw), tf.constant(0)), TFloat64.class);
      assertArrayEquals(new double[] {parts, parts}, evaluate(graph, Memory.exact(), both));
    }
  }

  @Test
  void manyGraphsInManyThreads() throws Exception {
    Shape[] shapes = {Shape.of(7, 5), Shape.of(5, 3), Shape.of(3, 2)};
    double[] expected =
        all(TFloat64.class, Memory.exact(), RecomputeTest::nested, new Way(false), shapes);
    var threads = Executors.newFixedThreadPool(8);
    try {
      Callable<double[]> one =
          () -> all(TFloat64.class, Memory.exact(), RecomputeTest::nested, new Way(true), shapes);
      for (Future<double[]> found : threads.invokeAll(Collections.nCopies(200, one))) {
        Graphs.assertClose(expected, found.get(), ROUNDING);
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
