package dev.linformer.ops.internal.fused;

import dev.linformer.ops.gradient.CustomGradient;
import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.family.TFloating;

/**
 * A product with its bias and GELU as one kernel on a GPU, in bfloat16: nothing but the output goes
 * through memory. For inference: the gradient computes the product once more.
 */
public final class FusedGeluProduct {

  private static final long MOST_ROWS = 1L << 29; // blocks are counted in 32 bits
  private static final long MOST_COLUMNS = 1 << 15; // of rows' places, too
  // cuBLAS multiplies faster: at c = 768 an H100 takes 422 µs and 320 for GELU, this kernel 607, of
  // which GELU may be 60. At twice that width both would be as fast.
  private static final long WIDEST = 1_536;

  private FusedGeluProduct() {}

  /**
   * Whether there is a kernel for the factors' shapes and type, and is worth it.
   *
   * @param x [rows,c]
   * @param weight [f,c]
   */
  public static boolean fits(Operand<?> x, Operand<?> weight) {
    Shape shape = x.shape();
    return x.type() == TBfloat16.class
        && shape.numDimensions() == 2
        && !shape.hasUnknownDimension()
        && shape.get(0) >= 1
        && shape.get(0) <= MOST_ROWS
        && shape.get(1) >= 1
        && shape.get(1) <= WIDEST
        && weight.shape().get(0) <= MOST_COLUMNS;
  }

  /**
   * GELU(x·Wᵀ + d).
   *
   * @param x [rows,c]
   * @param weight W [f,c]
   * @param d [f], or null
   * @return [rows,f]
   * @throws IllegalArgumentException if there is no kernel for these, see {@link #fits}, or the
   *     shapes or types don't go together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf, Operand<T> x, Operand<T> weight, @Nullable Operand<T> d) {
    Shape shape = weight.shape();
    if (!fits(x, weight)
        || shape.get(1) != x.shape().get(1)
        || weight.type() != x.type()
        || (d != null && (!d.shape().equals(Shape.of(shape.get(0))) || d.type() != x.type()))) {
      throw new IllegalArgumentException(
          "FusedGeluProduct: no kernel for %s of %s, a weight of %s and a bias of %s"
              .formatted(
                  x.shape(),
                  x.type().getSimpleName(),
                  weight.shape(),
                  d == null ? null : d.shape()));
    }
    var kernel =
        new GeluProductKernel(x.shape().get(0), (int) shape.get(1), (int) shape.get(0), d != null);
    List<Operand<T>> inputs = new ArrayList<>(List.of(x, weight));
    if (d != null) {
      inputs.add(d);
    }
    var result =
        new GpuKernel.Argument(
            GpuKernel.Argument.of(x).type(), Shape.of(kernel.rows(), kernel.f()));
    String name = "product_gelu";
    Operand<T> y =
        GpuKernel.typed(
            new GpuKernel(
                    name,
                    kernel.forward(name),
                    List.of(kernel.programs(), 1, 1),
                    GeluProductKernel.WARPS,
                    GeluProductKernel.STAGES,
                    inputs.stream().map(GpuKernel.Argument::of).toList(),
                    List.of(result))
                .call(tf, inputs)
                .get(0)); // [rows,f]
    var gelu = new FusedGelu(result, d != null, x.type());
    return CustomGradient.of(
        tf,
        y,
        inputs,
        (inner, dy) -> {
          Operand<T> a = inner.linalg.matMul(x, weight, MatMul.transposeB(true)); // [rows,f]
          List<Operand<?>> gradients = new ArrayList<>(gelu.gradients(inner, a, d, dy));
          Operand<T> da = GpuKernel.typed(gradients.get(0).asOutput()); // [rows,f]
          gradients.set(0, inner.linalg.matMul(da, weight)); // [rows,c]
          gradients.add(1, inner.linalg.matMul(da, x, MatMul.transposeA(true))); // [f,c]
          return gradients;
        });
  }
}
