package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Activation;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.internal.kernel.GpuComparison;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** The kernel on a GPU, where there is one, against a graph of TensorFlow's own operations. */
class FusedGeluProductGpuTest {

  /** x [rows,c], W [f,c], and whether there is d [f]. */
  private record Sizes(int rows, int c, int f, boolean biased) {

    /** Of x, W, the output's gradient, and then d. */
    List<Shape> shapes() {
      List<Shape> shapes =
          new ArrayList<>(List.of(Shape.of(rows, c), Shape.of(f, c), Shape.of(rows, f)));
      if (biased) {
        shapes.add(Shape.of(f));
      }
      return shapes;
    }
  }

  static Stream<Sizes> sizes() {
    return Stream.of(
            new int[] {4_096, 768, 3_072},
            new int[] {4_229, 64, 128},
            new int[] {1_009, 100, 61},
            new int[] {19, 65, 1_021},
            new int[] {128, 16, 16},
            new int[] {1, 1, 1})
        .flatMap(s -> Stream.of(true, false).map(biased -> new Sizes(s[0], s[1], s[2], biased)));
  }

  /** The output, then the gradients of x, of W and of d. */
  private static <T extends TFloating> List<Operand<TFloat64>> withGradients(
      Ops tf, List<Operand<T>> all, boolean fused) {
    Operand<T> x = all.get(0);
    Operand<T> weight = all.get(1);
    @Nullable Operand<T> d = all.size() == 4 ? all.get(3) : null;
    Operand<T> y;
    if (fused) {
      assertTrue(FusedGeluProduct.fits(x, weight));
      y = FusedGeluProduct.call(tf, x, weight, d); // [rows,f]
    } else {
      Operand<T> a = tf.linalg.matMul(x, weight, MatMul.transposeB(true)); // [rows,f]
      y = Activation.GELU.call(tf, new LinearOutput<>(a, d, a.shape()).sum(tf)); // [rows,f]
    }
    List<Operand<T>> inputs = new ArrayList<>(all);
    inputs.remove(2);
    return GpuComparison.withGradients(tf, y, all.get(2), inputs);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void bfloat16(Sizes sizes) {
    GpuComparison.assumeGpu();
    List<String> names =
        List.of("output", "gradient of x", "of W", "of d").subList(0, sizes.biased ? 4 : 3);
    new GpuComparison(sizes.shapes(), FusedGeluProductGpuTest::withGradients)
        .compare(names, TFloat32.class, TBfloat16.class, 1.5e-2, 30);
  }
}
