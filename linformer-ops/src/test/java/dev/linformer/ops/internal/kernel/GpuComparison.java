package dev.linformer.ops.internal.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.linformer.ops.Graphs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
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
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/**
 * Runs kernels on a GPU beside TensorFlow's own operations, and compares.
 *
 * @param shapes of what is fed
 * @param values of each, row by row
 * @param computation what is made of them
 */
public record GpuComparison(
    List<Shape> shapes, List<double[]> values, KernelComputation computation) {

  /** A computation that there is in two forms. */
  public interface KernelComputation {
    /**
     * Adds it to a graph.
     *
     * @param x of the comparison's shapes
     * @param kernels whether kernels compute it; else TensorFlow's own operations
     * @return what is compared, see {@link #withGradients}
     */
    <T extends TFloating> List<Operand<TFloat64>> fetched(
        Ops tf, List<Operand<T>> x, boolean kernels);
  }

  private static final ConfigProto XLA =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setOptimizerOptions(
                      OptimizerOptions.newBuilder()
                          .setGlobalJitLevel(OptimizerOptions.GlobalJitLevel.ON_2)))
          .build();

  /** Of values that are normally distributed, always the same. */
  public GpuComparison(List<Shape> shapes, KernelComputation computation) {
    this(
        shapes,
        IntStream.range(0, shapes.size())
            .mapToObj(i -> Graphs.normal(i, shapes.get(i).size()))
            .toList(),
        computation);
  }

  /** Skips a test where TensorFlow has no GPU; to be called before values are drawn. */
  public static void assumeGpu() {
    assumeTrue(gpu(), "TensorFlow has no GPU here");
  }

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

  /** An operand's values in float64, all in one axis. */
  private static Operand<TFloat64> flat(Ops tf, Operand<? extends TFloating> x) {
    return tf.reshape(tf.dtypes.cast(x, TFloat64.class), tf.constant(new int[] {-1}));
  }

  /**
   * An output and the gradients of some inputs, each in float64 and in one axis.
   *
   * @param dy gradient of the output, of its shape
   */
  public static <T extends TFloating> List<Operand<TFloat64>> withGradients(
      Ops tf, Operand<T> y, Operand<T> dy, List<Operand<T>> inputs) {
    var gradients = KernelGraphs.gradients(tf, tf.math.mul(y, dy), inputs);
    List<Operand<T>> all = new ArrayList<>(List.of(y));
    IntStream.range(0, inputs.size()).forEach(i -> all.add(gradients.dy(i)));
    return all.stream().map(each -> flat(tf, each)).toList();
  }

  /** What TensorFlow's own operations give on a CPU in float64, to be compared with formulas. */
  public List<double[]> plain() {
    return run(
        TFloat64.class,
        ConfigProto.getDefaultInstance(),
        (tf, x) -> computation.fetched(tf, x, false));
  }

  /**
   * Asserts that kernels give what TensorFlow's own operations give, in one run with XLA, on a GPU.
   *
   * @param names of what is compared
   * @param plainType what TensorFlow's own operations compute in
   * @param type what the kernels compute in
   * @param tolerance of the differences' rms, in units of the values' rms
   * @param single how many times that single values may be off
   */
  public <P extends TFloating, T extends TFloating> void compare(
      List<String> names, Class<P> plainType, Class<T> type, double tolerance, double single) {
    List<double[]> found =
        run(
            type,
            XLA,
            (tf, x) -> {
              List<Operand<P>> cast = new ArrayList<>();
              x.forEach(each -> cast.add(tf.dtypes.cast(each, plainType)));
              List<Operand<TFloat64>> fetched =
                  new ArrayList<>(computation.fetched(tf, cast, false));
              fetched.addAll(computation.fetched(tf, x, true));
              return fetched;
            });
    check(names, found, tolerance, single);
  }

  /**
   * What a graph makes of the values, in one run.
   *
   * @param type that they have in the graph
   */
  private <T extends TFloating> List<double[]> run(
      Class<T> type,
      ConfigProto config,
      BiFunction<Ops, List<Operand<T>>, List<Operand<TFloat64>>> build) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Operand<TFloat64>> fed = new ArrayList<>();
      List<Operand<T>> x = new ArrayList<>();
      for (Shape shape : shapes) {
        Operand<TFloat64> given = tf.placeholder(TFloat64.class, Placeholder.shape(shape));
        fed.add(given);
        x.add(tf.dtypes.cast(given, type));
      }
      List<Operand<TFloat64>> fetched = build.apply(tf, x);
      List<TFloat64> tensors = new ArrayList<>();
      try (Session session = new Session(graph, config)) {
        Session.Runner runner = session.runner();
        for (int i = 0; i < fed.size(); i++) {
          tensors.add(TFloat64.tensorOf(shapes.get(i), DataBuffers.of(values.get(i))));
          runner.feed(fed.get(i), tensors.get(i));
        }
        fetched.forEach(runner::fetch);
        try (var result = runner.run()) {
          return IntStream.range(0, fetched.size())
              .mapToObj(i -> Graphs.values((TFloat64) result.get(i)))
              .toList();
        }
      } finally {
        tensors.forEach(TFloat64::close);
      }
    }
  }

  private static double rms(double[] x) {
    return Math.sqrt(Arrays.stream(x).map(v -> v * v).average().orElseThrow());
  }

  /** Asserts that the second half of what was found is as the first, name by name. */
  private static void check(
      List<String> names, List<double[]> found, double tolerance, double single) {
    assertEquals(2 * names.size(), found.size());
    for (int i = 0; i < names.size(); i++) {
      double[] expected = found.get(i);
      double[] fused = found.get(i + names.size());
      double[] difference =
          IntStream.range(0, expected.length).mapToDouble(j -> fused[j] - expected[j]).toArray();
      double unit = rms(expected);
      double most = Arrays.stream(difference).map(Math::abs).max().orElseThrow();
      String message =
          String.format(
              Locale.ROOT,
              "%s: differences have rms %.1e and at most %.1e, in units of the values' rms",
              names.get(i),
              rms(difference) / unit,
              most / unit);
      // Written so that NaN fails; single values may be off by some standard deviations.
      assertTrue(rms(difference) <= tolerance * unit && most <= single * tolerance * unit, message);
    }
  }
}
