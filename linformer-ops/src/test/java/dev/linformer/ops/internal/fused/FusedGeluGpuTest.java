package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Activation;
import dev.linformer.ops.Graphs;
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
class FusedGeluGpuTest {

  /** A product, [rows,f], and whether a bias is added to it. */
  private record Sizes(int rows, int f, boolean biased) {

    /** Of the product, the output's gradient, and then the bias. */
    List<Shape> shapes() {
      Shape matrix = Shape.of(rows, f);
      return biased ? List.of(matrix, matrix, Shape.of(f)) : List.of(matrix, matrix);
    }
  }

  static Stream<Sizes> sizes() {
    return Stream.of(
            new int[] {4096, 3072},
            new int[] {4229, 257},
            new int[] {1009, 61},
            new int[] {19, 1021},
            new int[] {128, 16},
            new int[] {7, 1},
            new int[] {1, 13},
            new int[] {1, 1})
        .flatMap(
            size ->
                Stream.of(new Sizes(size[0], size[1], true), new Sizes(size[0], size[1], false)));
  }

  /** The output, then the gradients of the product and of the bias. */
  private static <T extends TFloating> List<Operand<TFloat64>> withGradients(
      Ops tf, List<Operand<T>> x, boolean fused) {
    Operand<T> a = x.get(0);
    @Nullable Operand<T> d = x.size() == 3 ? x.get(2) : null;
    assertTrue(!fused || FusedGelu.fits(a));
    Operand<T> y =
        fused
            ? FusedGelu.call(tf, a, d)
            : Activation.GELU.call(tf, new LinearOutput<>(a, d, a.shape()).sum(tf)); // [rows,f]
    List<Operand<T>> inputs = new ArrayList<>(x);
    inputs.remove(1);
    return GpuComparison.withGradients(tf, y, x.get(1), inputs);
  }

  private static GpuComparison comparison(Sizes sizes) {
    return new GpuComparison(sizes.shapes(), FusedGeluGpuTest::withGradients);
  }

  /** The comparison's other side is right, as far as a CPU can tell. */
  @Test
  void plainGraphAgainstTheFormulas() {
    for (Sizes sizes : List.of(new Sizes(7, 13, true), new Sizes(7, 13, false))) {
      GpuComparison comparison = comparison(sizes);
      List<double[]> x = comparison.values();
      double[] d = sizes.biased ? x.get(2) : new double[sizes.f];
      var expected = new GeluOracle(x.get(0), d, x.get(1));
      List<double[]> found = comparison.plain();
      Graphs.assertClose(expected.output, found.get(0), 1e-12);
      Graphs.assertClose(expected.dInput, found.get(1), 1e-12);
      if (sizes.biased) {
        Graphs.assertClose(expected.dBias, found.get(2), 1e-12);
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
        List.of("output", "gradient of a", "of d")
            .subList(0, sizes.shapes().size()); // an output and one gradient fewer than inputs
    comparison(sizes).compare(names, TFloat32.class, type, tolerance, single);
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
