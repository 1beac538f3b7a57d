package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.OptimizerOptions;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** The kernels on a GPU, where there is one, against a graph of TensorFlow's own operations. */
class LayerNormGpuTest {

  private static final ConfigProto XLA =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setOptimizerOptions(
                      OptimizerOptions.newBuilder()
                          .setGlobalJitLevel(OptimizerOptions.GlobalJitLevel.ON_2)))
          .build();

  /** Whether TensorFlow computes on a GPU here. */
  private static boolean gpu() {
    DeviceSpec device = DeviceSpec.newBuilder().deviceType(DeviceType.GPU).deviceIndex(0).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph).withDevice(device);
      Operand<TFloat32> x = tf.constant(new float[][] {{1, 2}, {3, 4}}); // [2,2]
      return Graphs.evaluate(graph, tf.linalg.matMul(x, x))[3] == 22;
    } catch (TensorFlowException | IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * What is normalised, [b,n,c].
   *
   * @param residual whether as a sum; else by itself
   * @param biased whether a bias is added too
   */
  private record Sizes(int b, int n, int c, boolean residual, boolean biased) {

    /** Of what is added, weight, bias, the output's gradient, and then the bias and x. */
    List<Shape> shapes() {
      Shape vector = Shape.of(c);
      Shape matrix = Shape.of(b, n, c);
      List<Shape> shapes = new ArrayList<>(List.of(matrix, vector, vector, matrix));
      if (residual) {
        shapes.add(matrix);
      }
      if (biased) {
        shapes.add(vector);
      }
      return shapes;
    }
  }

  static Stream<Sizes> sizes() {
    return Stream.of(
        new Sizes(1, 4096, 64, true, true),
        new Sizes(8, 512, 768, true, true),
        new Sizes(8, 512, 768, true, false),
        new Sizes(8, 512, 768, false, false),
        new Sizes(3, 1009, 61, true, true),
        new Sizes(2, 257, 13, false, false),
        new Sizes(1, 1, 5, true, true),
        new Sizes(2, 7, 1021, true, false),
        new Sizes(1, 601, 8191, true, true),
        new Sizes(1, 37, 8192, false, false));
  }

  private static List<double[]> values(Sizes sizes) {
    List<double[]> values = new ArrayList<>();
    for (Shape shape : sizes.shapes()) {
      values.add(Graphs.normal(values.size(), shape.size()));
    }
    return values;
  }

  /** The output, then the gradients of all that is given but the output's gradient. */
  private static <T extends TFloating> List<Operand<TFloat64>> withGradients(
      Ops tf, Sizes sizes, List<Operand<T>> x, boolean fused) {
    LayerNorm<T> norm = new LayerNorm<>(x.get(1), x.get(2), fused);
    @Nullable Operand<T> d = sizes.biased ? x.get(5) : null;
    Operand<T> y =
        sizes.residual
            ? norm.call(tf, x.get(4), new Biased<>(x.get(0), d, x.get(0).shape()))
            : norm.call(tf, x.get(0)); // [b,n,c]
    List<Operand<T>> inputs = new ArrayList<>(x);
    inputs.remove(3);
    var gradients =
        tf.gradients(tf.sum(tf.math.mul(y, x.get(3)), tf.constant(new int[] {0, 1, 2})), inputs);
    List<Operand<T>> all = new ArrayList<>(List.of(y));
    IntStream.range(0, inputs.size()).forEach(i -> all.add(gradients.dy(i)));
    return all.stream()
        .<Operand<TFloat64>>map(
            each -> tf.reshape(tf.dtypes.cast(each, TFloat64.class), tf.constant(new int[] {-1})))
        .toList();
  }

  /**
   * Output and gradients in a plain graph, in float32 at least, then those of the kernels if they
   * are asked for, all in one run.
   */
  private static <T extends TFloating> List<double[]> run(
      Sizes sizes, Class<T> type, ConfigProto config, boolean fused) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat64>> fed = new ArrayList<>();
      List<Operand<T>> x = new ArrayList<>();
      for (Shape shape : sizes.shapes()) {
        Operand<TFloat64> given = tf.placeholder(TFloat64.class, Placeholder.shape(shape));
        fed.add(given);
        x.add(tf.dtypes.cast(given, type));
      }
      List<Operand<TFloat64>> fetched = new ArrayList<>();
      if (fused) {
        assertTrue(FusedLayerNorm.fits(x.get(0)));
        List<Operand<TFloat32>> wide = new ArrayList<>();
        x.forEach(each -> wide.add(tf.dtypes.cast(each, TFloat32.class)));
        fetched.addAll(withGradients(tf, sizes, wide, false));
        fetched.addAll(withGradients(tf, sizes, x, true));
      } else {
        fetched.addAll(withGradients(tf, sizes, x, false));
      }
      List<TFloat64> tensors = new ArrayList<>();
      try (Session session = new Session(graph, config)) {
        Session.Runner runner = session.runner();
        for (int i = 0; i < fed.size(); i++) {
          tensors.add(
              TFloat64.tensorOf(sizes.shapes().get(i), DataBuffers.of(values(sizes).get(i))));
          runner.feed(fed.get(i), tensors.get(i));
        }
        fetched.forEach(runner::fetch);
        try (var result = runner.run()) {
          return IntStream.range(0, fetched.size())
              .mapToObj(i -> read((TFloat64) result.get(i)))
              .toList();
        }
      } finally {
        tensors.forEach(TFloat64::close);
      }
    }
  }

  private static double[] read(TFloat64 tensor) {
    double[] values = new double[Math.toIntExact(tensor.size())];
    tensor.asRawTensor().data().asDoubles().read(values);
    return values;
  }

  /** The comparison's other side is right, as far as a CPU can tell. */
  @Test
  void plainGraphAgainstTheFormulas() {
    for (Sizes sizes :
        List.of(new Sizes(2, 7, 13, true, true), new Sizes(2, 7, 13, false, false))) {
      List<double[]> x = values(sizes);
      double[] residual = sizes.residual ? x.get(4) : new double[x.get(0).length];
      double[] d = sizes.biased ? x.get(5) : new double[sizes.c];
      var expected = new NormOracle(residual, x.get(0), d, x.get(1), x.get(2), x.get(3));
      List<double[]> found = run(sizes, TFloat64.class, ConfigProto.getDefaultInstance(), false);
      Graphs.assertClose(expected.output, found.get(0), 1e-12);
      Graphs.assertClose(expected.dSum, found.get(1), 1e-12);
      Graphs.assertClose(expected.dWeight, found.get(2), 1e-12);
      Graphs.assertClose(expected.dBias, found.get(3), 1e-12);
      if (sizes.residual) {
        Graphs.assertClose(expected.dSum, found.get(4), 1e-12);
        Graphs.assertClose(expected.dD, found.get(5), 1e-12);
      }
    }
  }

  private static double rms(double[] x) {
    return Math.sqrt(Arrays.stream(x).map(v -> v * v).average().orElseThrow());
  }

  private static <T extends TFloating> void compare(Sizes sizes, Class<T> type, double tolerance) {
    assumeTrue(gpu(), "TensorFlow has no GPU here");
    List<double[]> found = run(sizes, type, XLA, true);
    int count = sizes.shapes().size(); // an output and one gradient fewer than inputs
    assertEquals(2 * count, found.size());
    List<String> names =
        List.of("output", "gradient of a", "of weight", "of bias", "of x", "of d")
            .subList(0, count);
    for (int i = 0; i < names.size(); i++) {
      double[] expected = found.get(i);
      double[] fused = found.get(i + names.size());
      double[] difference =
          IntStream.range(0, expected.length).mapToDouble(j -> fused[j] - expected[j]).toArray();
      double unit = rms(expected);
      double most = Arrays.stream(difference).map(Math::abs).max().orElseThrow();
      String message =
          "%s: differences have rms %.1e and at most %.1e, in units of the values' rms"
              .formatted(names.get(i), rms(difference) / unit, most / unit);
      // Written so that NaN fails. Single values may be off by more: a product of two normal ones
      // can be ten
      // times their rms, and XLA may leave out that inputs are rounded to bfloat16 where they
      // become float32 again.
      assertTrue(rms(difference) <= tolerance * unit && most <= 30 * tolerance * unit, message);
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void float32(Sizes sizes) {
    compare(sizes, TFloat32.class, 3e-5);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void bfloat16(Sizes sizes) {
    compare(sizes, TBfloat16.class, 1e-2);
  }
}
