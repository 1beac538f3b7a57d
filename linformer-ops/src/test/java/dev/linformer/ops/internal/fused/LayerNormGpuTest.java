package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.internal.kernel.GpuComparison;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** The kernels on a GPU, where there is one, against a graph of TensorFlow's own operations. */
class LayerNormGpuTest {

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
    LayerNorm<T> norm =
        new LayerNorm<>(x.get(1), x.get(2), fused ? Backend.GPU_KERNELS : Backend.PORTABLE);
    @Nullable Operand<T> d = sizes.biased ? x.get(5) : null;
    Operand<T> y =
        sizes.residual
            ? norm.call(tf, x.get(4), new LinearOutput<>(x.get(0), d, x.get(0).shape()))
            : norm.call(tf, x.get(0)); // [b,n,c]
    List<Operand<T>> inputs = new ArrayList<>(x);
    inputs.remove(3);
    return GpuComparison.withGradients(tf, y, x.get(3), inputs);
  }

  /**
   * Output and gradients in a plain graph, in float32 at least, then those of the kernels if they
   * are asked for, all in one run.
   */
  private static <T extends TFloating> List<double[]> run(
      Sizes sizes, Class<T> type, ConfigProto config, boolean fused) {
    return GpuComparison.run(
        sizes.shapes(),
        values(sizes),
        type,
        config,
        (tf, x) -> {
          if (!fused) {
            return withGradients(tf, sizes, x, false);
          }
          assertTrue(FusedLayerNorm.fits(x.get(0)));
          List<Operand<TFloat32>> wide = new ArrayList<>();
          x.forEach(each -> wide.add(tf.dtypes.cast(each, TFloat32.class)));
          List<Operand<TFloat64>> fetched = new ArrayList<>(withGradients(tf, sizes, wide, false));
          fetched.addAll(withGradients(tf, sizes, x, true));
          return fetched;
        });
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

  /**
   * @param tolerance of the differences' rms
   * @param single how many times that single values may be off
   */
  private static <T extends TFloating> void compare(
      Sizes sizes, Class<T> type, double tolerance, double single) {
    assumeTrue(GpuComparison.gpu(), "TensorFlow has no GPU here");
    List<String> names =
        List.of("output", "gradient of a", "of weight", "of bias", "of x", "of d")
            .subList(0, sizes.shapes().size()); // an output and one gradient fewer than inputs
    GpuComparison.check(names, run(sizes, type, GpuComparison.XLA, true), tolerance, single);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void float32(Sizes sizes) {
    compare(sizes, TFloat32.class, 3e-5, 10);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void bfloat16(Sizes sizes) {
    // XLA may leave out that inputs are rounded where they become float32 again, and single
    // products
    // of normal values are ten times their rms.
    compare(sizes, TBfloat16.class, 1e-2, 30);
  }
}
