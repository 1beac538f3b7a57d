package dev.linformer.ops.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.Wide;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
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
class FusedAttentionGpuTest {

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

  /** The same of TensorFlow's own operations. */
  private static <T extends TFloating> Operand<T> plain(
      Ops tf, AttentionKernels a, Operand<T> q, Operand<T> keys, Operand<T> values) {
    Operand<T> wide =
        a.oneQuery() ? tf.concat(Collections.nCopies(a.h(), q), tf.constant(2)) : q; // [b,n,h·p]
    Operand<T> heads = Products.splitHeads(tf, wide, a.p()); // [b,h,n,p]
    Operand<T> mixture = Wide.softmax(tf, Products.transposed(tf, heads, keys)); // [b,h,n,k]
    Operand<T> y = tf.train.batchMatMul(mixture, values, q.type()); // [b,h,n,r]
    return a.sumOutput()
        ? tf.sum(y, tf.constant(1)) // [b,n,r]
        : Products.joinHeads(tf, y); // [b,n,h·r]
  }

  private static AttentionKernels of(
      int b, int h, int n, int k, int p, int r, boolean oneQuery, boolean sumOutput) {
    return new AttentionKernels("f32", b, h, n, k, p, r, oneQuery, sumOutput);
  }

  static Stream<AttentionKernels> sizes() {
    return Stream.of(
        of(1, 4, 4096, 128, 64, 64, true, true),
        of(2, 12, 512, 256, 64, 64, false, false),
        of(2, 3, 1009, 37, 19, 23, false, true),
        of(2, 3, 1009, 131, 19, 23, true, false),
        of(1, 1, 7, 5, 3, 2, false, false),
        of(1, 4, 1024, 1024, 16, 16, true, true),
        of(2, 3, 193, 263, 32, 17, false, false));
  }

  /** Of widths that float32 has no kernels for. */
  static Stream<AttentionKernels> moreSizes() {
    return Stream.concat(sizes(), Stream.of(of(3, 2, 257, 61, 128, 97, true, true)));
  }

  /** Shapes of q, K, V and of the output's gradient. */
  private static List<Shape> shapes(AttentionKernels a) {
    return List.of(
        Shape.of(a.b(), a.n(), a.oneQuery() ? a.p() : (long) a.h() * a.p()),
        Shape.of(a.b(), a.h(), a.k(), a.p()),
        Shape.of(a.b(), a.h(), a.k(), a.r()),
        Shape.of(a.b(), a.n(), a.sumOutput() ? a.r() : (long) a.h() * a.r()));
  }

  private static List<double[]> values(AttentionKernels a) {
    List<double[]> values = new ArrayList<>();
    for (Shape shape : shapes(a)) {
      values.add(Graphs.normal(values.size(), shape.size()));
    }
    double scale = 1 / Math.sqrt(a.p());
    values.set(1, Arrays.stream(values.get(1)).map(key -> key * scale).toArray());
    return values;
  }

  private static <T extends TFloating> List<Operand<TFloat64>> withGradients(
      Ops tf, Operand<T> y, List<Operand<T>> x) {
    Operand<T> product = tf.math.mul(y, x.get(3));
    var gradients =
        tf.gradients(tf.sum(product, tf.constant(new int[] {0, 1, 2})), x.subList(0, 3));
    List<Operand<T>> all = new ArrayList<>(List.of(y));
    IntStream.range(0, 3).forEach(i -> all.add(gradients.dy(i)));
    return all.stream()
        .<Operand<TFloat64>>map(
            each -> tf.reshape(tf.dtypes.cast(each, TFloat64.class), tf.constant(new int[] {-1})))
        .toList();
  }

  /**
   * Output and gradients in the plain graph, then those of the kernels if they are asked for, all
   * in one run.
   */
  private static <T extends TFloating> List<double[]> run(
      AttentionKernels a, Class<T> type, ConfigProto config, boolean fused) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat64>> fed = new ArrayList<>();
      List<Operand<T>> x = new ArrayList<>();
      for (Shape shape : shapes(a)) {
        Operand<TFloat64> given = tf.placeholder(TFloat64.class, Placeholder.shape(shape));
        fed.add(given);
        x.add(tf.dtypes.cast(given, type));
      }
      List<Operand<TFloat64>> fetched =
          new ArrayList<>(withGradients(tf, plain(tf, a, x.get(0), x.get(1), x.get(2)), x));
      if (fused) {
        assertTrue(FusedAttention.fits(x.get(0), a.h(), a.k(), a.p(), a.r()));
        fetched.addAll(
            withGradients(
                tf, FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), a.sumOutput()), x));
      }
      List<TFloat64> tensors = new ArrayList<>();
      try (Session session = new Session(graph, config)) {
        Session.Runner runner = session.runner();
        for (int i = 0; i < fed.size(); i++) {
          tensors.add(TFloat64.tensorOf(shapes(a).get(i), DataBuffers.of(values(a).get(i))));
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
    for (AttentionKernels a :
        List.of(of(2, 3, 7, 5, 11, 13, false, true), of(2, 3, 7, 5, 11, 13, true, false))) {
      List<double[]> x = values(a);
      var expected = new AttentionOracle(a, x.get(0), x.get(1), x.get(2), x.get(3));
      List<double[]> found = run(a, TFloat64.class, ConfigProto.getDefaultInstance(), false);
      Graphs.assertClose(expected.output, found.get(0), 1e-12);
      Graphs.assertClose(expected.dQuery, found.get(1), 1e-12);
      Graphs.assertClose(expected.dKeys, found.get(2), 1e-12);
      Graphs.assertClose(expected.dValues, found.get(3), 1e-12);
    }
  }

  private static double rms(double[] x) {
    return Math.sqrt(Arrays.stream(x).map(v -> v * v).average().orElseThrow());
  }

  private static <T extends TFloating> void compare(
      AttentionKernels a, Class<T> type, double tolerance) {
    assumeTrue(gpu(), "TensorFlow has no GPU here");
    List<double[]> found = run(a, type, XLA, true);
    assertEquals(8, found.size());
    List<String> names = List.of("output", "gradient of q", "of K", "of V");
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
      // Written so that NaN fails; single values may be off by some standard deviations.
      assertTrue(rms(difference) <= tolerance * unit && most <= 10 * tolerance * unit, message);
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void float32(AttentionKernels a) {
    compare(a, TFloat32.class, 5e-3);
  }

  @ParameterizedTest
  @MethodSource("moreSizes")
  void bfloat16(AttentionKernels a) {
    compare(a, TBfloat16.class, 3e-2);
  }
}
