package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.LayerContract;
import dev.linformer.ops.Naive;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class LearnedProjectionTest {

  private static final int B = 2;
  private static final int H = 3;
  private static final int N = 7;
  private static final int K = 5;
  private static final int D = 11;
  private static final Initialization XAVIER = Initialization.xavierNormal(N, K);

  @TestFactory
  Stream<DynamicTest> shared() {
    return LayerContract.tests(
        "shared", LearnedProjectionTest::shared, Shape.of(B, N, D), LearnedProjectionTest::naive);
  }

  /** A batch of one goes another way through TensorFlow. */
  @TestFactory
  Stream<DynamicTest> sharedForOneSequence() {
    return LayerContract.tests(
        "shared, batch of one",
        LearnedProjectionTest::shared,
        Shape.of(1, N, D),
        LearnedProjectionTest::naive);
  }

  @TestFactory
  Stream<DynamicTest> perHead() {
    return LayerContract.tests(
        "per head",
        LearnedProjectionTest::perHead,
        Shape.of(B, H, N, D),
        LearnedProjectionTest::naive);
  }

  /** Of one's own, with weights as {@link LearnedProjection#declare} asks for them. */
  @TestFactory
  Stream<DynamicTest> declared() {
    return LayerContract.tests(
        "declared",
        LearnedProjectionTest::declared,
        Shape.of(B, H, N, D),
        (w, x) ->
            IntStream.range(0, B * H)
                .mapToObj(i -> Arrays.copyOfRange(x, i * N * D, (i + 1) * N * D))
                .map(slice -> Naive.project(get(w, "E.weight"), get(w, "E.bias"), slice))
                .flatMapToDouble(Arrays::stream)
                .toArray());
  }

  /** One bias for all heads goes on every head. */
  @TestFactory
  Stream<DynamicTest> sharedBias() {
    return LayerContract.tests(
        "shared bias",
        LearnedProjectionTest::sharedBias,
        Shape.of(B, H, K, D),
        (w, x) ->
            IntStream.range(0, x.length)
                .mapToDouble(i -> x[i] + get(w, "E.bias")[i / D % K])
                .toArray());
  }

  @Test
  void mixesPositionsAndAddsTheBiasOfTheRow() {
    double[] y =
        Graphs.evaluate(
            tf -> {
              var projection =
                  new LearnedProjection<>(
                      Graphs.constant(tf, Shape.of(1, 2, 3), 1, 0, 2, 0, 3, 0),
                      Graphs.constant(tf, Shape.of(1, 2), 10, 20));
              var x = Graphs.constant(tf, Shape.of(1, 1, 3, 2), 1, 2, 3, 4, 5, 6);
              return projection.addBias(tf, projection.compress(tf, x));
            });
    Graphs.assertClose(new double[] {21, 24, 29, 32}, y, 0);
  }

  @Test
  void knowsItsLength() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      assertEquals(K, projection(tf, K, N).projectedLength());
      assertEquals(K, projection(tf, H, K, N).projectedLength());
    }
  }

  @Test
  void refusesAnotherRankOrLength() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      assertEquals(
          "LearnedProjection: 4 axes expected, found 2 in [7, 11]",
          refused(tf, projection(tf, K, N), N, D));
      assertEquals(
          "LearnedProjection: axis 1 must be at most 7 (sequence length), found 11 in [2, 11, 11]",
          refused(tf, projection(tf, K, N), B, D, D));
      assertEquals(
          "LearnedProjection: 4 axes expected, found 5 in [2, 3, 3, 7, 11]",
          refused(tf, projection(tf, H, K, N), B, H, H, N, D));
      assertEquals(
          "LearnedProjection: axis 2 must be at most 7 (sequence length), found 11 in [2, 3, 11, 11]",
          refused(tf, projection(tf, H, K, N), B, H, D, D));
    }
  }

  private static String refused(Ops tf, LearnedProjection<TFloat64> projection, long... sizes) {
    var x = tf.zeros(tf.constant(sizes), TFloat64.class);
    var error = assertThrows(IllegalArgumentException.class, () -> projection.compress(tf, x));
    return String.valueOf(error.getMessage());
  }

  private static LearnedProjection<TFloat64> projection(Ops tf, long... sizes) {
    return new LearnedProjection<>(
        tf.zeros(tf.constant(sizes), TFloat64.class),
        tf.zeros(tf.constant(Arrays.copyOf(sizes, sizes.length - 1)), TFloat64.class));
  }

  /** For each slice of x its own E, or the only one; the shared compression has no bias. */
  private static double[] naive(Map<String, double[]> weights, double[] x) {
    return IntStream.range(0, x.length / (N * D))
        .mapToObj(
            i -> {
              double[] slice = Arrays.copyOfRange(x, i * N * D, (i + 1) * N * D);
              return weights.containsKey("E.weight")
                  ? Naive.project(get(weights, "E.weight"), new double[K], slice)
                  : Naive.project(
                      get(weights, "E." + i % H + ".weight"),
                      get(weights, "E." + i % H + ".bias"),
                      slice);
            })
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  private static double[] get(Map<String, double[]> weights, String name) {
    return weights.getOrDefault(name, new double[0]);
  }

  private static <T extends TFloating> Operand<T> shared(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    var weight = parameters.create(new Parameter("E.weight", Shape.of(K, N), XAVIER));
    return new LearnedProjection<>(weight, tf.zeros(tf.constant(new int[] {K}), x.type()))
        .compress(tf, x);
  }

  private static <T extends TFloating> Operand<T> declared(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    LearnedProjection<T> projection = LearnedProjection.declare(parameters, "E", N, K);
    return projection.addBias(tf, projection.compress(tf, x));
  }

  private static <T extends TFloating> Operand<T> sharedBias(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    var bias = parameters.create(new Parameter("E.bias", Shape.of(K), XAVIER));
    return new LearnedProjection<>(tf.zeros(tf.constant(new int[] {K, N}), x.type()), bias)
        .addBias(tf, x);
  }

  private static <T extends TFloating> Operand<T> perHead(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    var projection =
        new LearnedProjection<>(
            parameters.create(
                Parameter.stacked(
                    "E.weights",
                    Shape.of(H, K, N),
                    XAVIER,
                    List.of("E.0.weight", "E.1.weight", "E.2.weight"))),
            parameters.create(
                Parameter.stacked(
                    "E.biases",
                    Shape.of(H, K),
                    XAVIER,
                    List.of("E.0.bias", "E.1.bias", "E.2.bias"))));
    return projection.addBias(tf, projection.compress(tf, x));
  }
}
