package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.HeadLayout;
import dev.linformer.ops.internal.kernel.GpuComparison;
import dev.linformer.ops.internal.product.BatchProduct;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
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
class FusedAttentionGpuTest {

  /** The same of TensorFlow's own operations. */
  private static <T extends TFloating> Operand<T> plain(
      Ops tf, AttentionTiling a, Operand<T> q, Operand<T> keys, Operand<T> values) {
    Operand<T> wide =
        a.oneQuery() ? tf.concat(Collections.nCopies(a.h(), q), tf.constant(2)) : q; // [b,n,h·p]
    Operand<T> heads = HeadLayout.splitHeads(tf, wide, a.p()); // [b,h,n,p]
    Operand<T> mixture =
        Float32Math.softmax(tf, BatchProduct.ofTransposed(tf, heads, keys)); // [b,h,n,k]
    Operand<T> y = BatchProduct.call(tf, mixture, values); // [b,h,n,r]
    return a.sumOutput()
        ? tf.sum(y, tf.constant(1)) // [b,n,r]
        : HeadLayout.joinHeads(tf, y); // [b,n,h·r]
  }

  private static AttentionTiling of(
      int b, int h, int n, int k, int p, int r, boolean oneQuery, boolean sumOutput) {
    return new AttentionTiling("f32", b, h, n, k, p, r, oneQuery, sumOutput);
  }

  static Stream<AttentionTiling> sizes() {
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
  static Stream<AttentionTiling> moreSizes() {
    return Stream.concat(sizes(), Stream.of(of(3, 2, 257, 61, 128, 97, true, true)));
  }

  /** Shapes of q, K, V and of the output's gradient. */
  private static List<Shape> shapes(AttentionTiling a) {
    return List.of(
        Shape.of(a.b(), a.n(), a.oneQuery() ? a.p() : (long) a.h() * a.p()),
        Shape.of(a.b(), a.h(), a.k(), a.p()),
        Shape.of(a.b(), a.h(), a.k(), a.r()),
        Shape.of(a.b(), a.n(), a.sumOutput() ? a.r() : (long) a.h() * a.r()));
  }

  /** Output and gradients of q, K and V. */
  private record Computation(AttentionTiling a) implements GpuComparison.KernelComputation {
    @Override
    public <T extends TFloating> List<Operand<TFloat64>> fetched(
        Ops tf, List<Operand<T>> x, boolean fused) {
      assertTrue(!fused || FusedAttention.fits(x.get(0), a.h(), a.k(), a.p(), a.r()));
      Operand<T> y =
          fused
              ? FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), a.sumOutput())
              : plain(tf, a, x.get(0), x.get(1), x.get(2));
      return GpuComparison.withGradients(tf, y, x.get(3), x.subList(0, 3));
    }
  }

  /** Of keys with the scale. */
  private static GpuComparison comparison(AttentionTiling a) {
    var computation = new Computation(a);
    List<double[]> values = new ArrayList<>(new GpuComparison(shapes(a), computation).values());
    double scale = 1 / Math.sqrt(a.p());
    values.set(1, Arrays.stream(values.get(1)).map(key -> key * scale).toArray());
    return new GpuComparison(shapes(a), values, computation);
  }

  /** The comparison's other side is right, as far as a CPU can tell. */
  @Test
  void plainGraphAgainstTheFormulas() {
    for (AttentionTiling a :
        List.of(of(2, 3, 7, 5, 11, 13, false, true), of(2, 3, 7, 5, 11, 13, true, false))) {
      List<double[]> x = comparison(a).values();
      var expected = new AttentionOracle(a, x.get(0), x.get(1), x.get(2), x.get(3));
      List<double[]> found = comparison(a).plain();
      Graphs.assertClose(expected.output, found.get(0), 1e-12);
      Graphs.assertClose(expected.dQuery, found.get(1), 1e-12);
      Graphs.assertClose(expected.dKeys, found.get(2), 1e-12);
      Graphs.assertClose(expected.dValues, found.get(3), 1e-12);
    }
  }

  private static <T extends TFloating> void compare(
      AttentionTiling a, Class<T> type, double tolerance) {
    GpuComparison.assumeGpu();
    List<String> names = List.of("output", "gradient of q", "of K", "of V");
    comparison(a).compare(names, type, type, tolerance, 10);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void float32(AttentionTiling a) {
    compare(a, TFloat32.class, 5e-3);
  }

  @ParameterizedTest
  @MethodSource("moreSizes")
  void bfloat16(AttentionTiling a) {
    compare(a, TBfloat16.class, 3e-2);
  }
}
