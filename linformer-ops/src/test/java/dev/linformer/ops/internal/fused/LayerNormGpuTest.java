package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;

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

    /** The output, then the gradients of all that is given but the output's gradient. */
    <T extends TFloating> List<Operand<TFloat64>> withGradients(
        Ops tf, List<Operand<T>> x, boolean fused) {
      assertTrue(!fused || FusedLayerNorm.fits(x.get(0)));
      LayerNorm<T> norm =
          new LayerNorm<>(x.get(1), x.get(2), fused ? Backend.GPU_KERNELS : Backend.PORTABLE);
      @Nullable Operand<T> d = biased ? x.get(5) : null;
      Operand<T> y =
          residual
              ? norm.call(tf, x.get(4), new LinearOutput<>(x.get(0), d, x.get(0).shape()))
              : norm.call(tf, x.get(0)); // [b,n,c]
      List<Operand<T>> inputs = new ArrayList<>(x);
      inputs.remove(3);
      return GpuComparison.withGradients(tf, y, x.get(3), inputs);
    }

    GpuComparison comparison() {
      return new GpuComparison(shapes(), this::withGradients);
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

  /** The comparison's other side is right, as far as a CPU can tell. */
  @Test
  void plainGraphAgainstTheFormulas() {
    for (Sizes sizes :
        List.of(new Sizes(2, 7, 13, true, true), new Sizes(2, 7, 13, false, false))) {
      List<double[]> x = sizes.comparison().values();
      double[] residual = sizes.residual ? x.get(4) : new double[x.get(0).length];
      double[] d = sizes.biased ? x.get(5) : new double[sizes.c];
      var expected = new NormOracle(residual, x.get(0), d, x.get(1), x.get(2), x.get(3));
      List<double[]> found = sizes.comparison().plain();
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
    GpuComparison.assumeGpu();
    List<String> names =
        List.of("output", "gradient of a", "of weight", "of bias", "of x", "of d")
            .subList(0, sizes.shapes().size()); // an output and one gradient fewer than inputs
    sizes.comparison().compare(names, TFloat32.class, type, tolerance, single);
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
    // products of normal values are ten times their rms.
    compare(sizes, TBfloat16.class, 1e-2, 30);
  }
}
