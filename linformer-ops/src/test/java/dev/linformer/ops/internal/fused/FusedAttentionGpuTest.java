package dev.linformer.ops.internal.fused;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import org.tensorflow.proto.ConfigProto;
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

  private static List<double[]> values(AttentionTiling a) {
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
    return GpuComparison.withGradients(tf, y, x.get(3), x.subList(0, 3));
  }

  /**
   * Output and gradients in the plain graph, then those of the kernels if they are asked for, all
   * in one run.
   */
  private static <T extends TFloating> List<double[]> run(
      AttentionTiling a, Class<T> type, ConfigProto config, boolean fused) {
    return GpuComparison.run(
        shapes(a),
        values(a),
        type,
        config,
        (tf, x) -> {
          List<Operand<TFloat64>> fetched =
              new ArrayList<>(withGradients(tf, plain(tf, a, x.get(0), x.get(1), x.get(2)), x));
          if (fused) {
            assertTrue(FusedAttention.fits(x.get(0), a.h(), a.k(), a.p(), a.r()));
            fetched.addAll(
                withGradients(
                    tf, FusedAttention.call(tf, x.get(0), x.get(1), x.get(2), a.sumOutput()), x));
          }
          return fetched;
        });
  }

  /** The comparison's other side is right, as far as a CPU can tell. */
  @Test
  void plainGraphAgainstTheFormulas() {
    for (AttentionTiling a :
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

  private static <T extends TFloating> void compare(
      AttentionTiling a, Class<T> type, double tolerance) {
    assumeTrue(GpuComparison.gpu(), "TensorFlow has no GPU here");
    List<String> names = List.of("output", "gradient of q", "of K", "of V");
    GpuComparison.check(names, run(a, type, GpuComparison.XLA, true), tolerance, 10);
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
