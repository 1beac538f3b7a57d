package dev.linformer.ops.internal.fused;

import dev.linformer.ops.gradient.CustomGradient;
import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TFloating;

/**
 * GELU of a product and its bias as one kernel on a GPU, and one for its gradients, the bias's
 * among them: each input is read once, forward and backward, and nothing else is kept for the
 * backward pass. All is computed in float32.
 */
public final class FusedGelu {

  private static final long MOST_ROWS = Integer.MAX_VALUE - 4_096L; // blocks are counted in 32 bits
  private static final long MOST_COLUMNS = 1 << 20; // a block's values, too

  private final GpuKernel.Argument matrix; // [rows,f]
  private final boolean biased;
  private final Class<? extends TFloating> type;
  private final GeluKernels kernels;

  /**
   * @param matrix what a is
   * @param biased whether there is d
   * @param type of all
   */
  FusedGelu(GpuKernel.Argument matrix, boolean biased, Class<? extends TFloating> type) {
    this.matrix = matrix;
    this.biased = biased;
    this.type = type;
    Shape shape = matrix.shape();
    kernels = new GeluKernels(matrix.element(), shape.get(0), (int) shape.get(1), biased);
  }

  /**
   * Whether there are kernels for the shape and the type of a.
   *
   * @param a [rows,f]
   */
  public static boolean fits(Operand<?> a) {
    Shape shape = a.shape();
    return !shape.hasUnknownDimension()
        && shape.numDimensions() == 2
        && GpuKernel.takes(a.type())
        && shape.get(0) >= 1
        && shape.get(0) <= MOST_ROWS
        && shape.get(1) >= 1
        && shape.get(1) <= MOST_COLUMNS;
  }

  /**
   * x·Φ(x) with x = a + d.
   *
   * @param a [rows,f]
   * @param d [f], or null
   * @return [rows,f]
   * @throws IllegalArgumentException if there are no kernels for these, see {@link #fits}, or the
   *     shapes or types don't go together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf, Operand<T> a, @Nullable Operand<T> d) {
    if (!fits(a)
        || (d != null && (!d.shape().equals(Shape.of(a.shape().get(1))) || d.type() != a.type()))) {
      throw new IllegalArgumentException(
          "FusedGelu: no kernel for %s of %s and a bias of %s"
              .formatted(a.shape(), a.type().getSimpleName(), d == null ? null : d.shape()));
    }
    var kernels = new FusedGelu(GpuKernel.Argument.of(a), d != null, a.type());
    return CustomGradient.of(
        tf,
        kernels.forward(tf, a, d),
        inputs(a, d),
        (inner, dy) -> kernels.gradients(inner, a, d, dy));
  }

  /** The operands, of which the last may be null. */
  private static <T extends TFloating> List<Operand<T>> inputs(
      Operand<T> a, @Nullable Operand<T> d) {
    return d == null ? List.of(a) : List.of(a, d);
  }

  private List<GpuKernel.Argument> arguments() {
    return biased ? List.of(matrix, vector()) : List.of(matrix);
  }

  private GpuKernel.Argument vector() {
    return new GpuKernel.Argument(matrix.type(), Shape.of(kernels.f()));
  }

  /** GELU of a + d, [rows,f]. */
  private <T extends TFloating> Operand<T> forward(Ops tf, Operand<T> a, @Nullable Operand<T> d) {
    String name = "gelu";
    return GpuKernel.typed(
        new GpuKernel(
                name,
                kernels.forward(name),
                List.of(kernels.blocks(), kernels.across(), 1),
                GeluKernels.WARPS,
                1,
                arguments(),
                List.of(matrix))
            .call(tf, inputs(a, d))
            .get(0));
  }

  /**
   * The gradients of a and, if there is one, of d; asks the graph nothing.
   *
   * @param a [rows,f]
   * @param d [f], or null
   * @param dy [rows,f]
   * @return [rows,f], [f]
   */
  <T extends TFloating> List<Operand<?>> gradients(
      Ops tf, Operand<T> a, @Nullable Operand<T> d, Output<?> dy) {
    String name = "gelu_gradient";
    List<Operand<?>> given = new ArrayList<>(inputs(a, d));
    given.add(dy);
    List<GpuKernel.Argument> all = new ArrayList<>(arguments());
    all.add(matrix);
    List<GpuKernel.Argument> results = new ArrayList<>(List.of(matrix));
    if (d != null) {
      Shape sums = Shape.of(kernels.programs(), kernels.f());
      results.add(new GpuKernel.Argument(DataType.DT_FLOAT, sums));
    }
    List<Output<?>> parts =
        new GpuKernel(
                name,
                kernels.backward(name),
                List.of(kernels.programs(), kernels.across(), 1),
                GeluKernels.WARPS,
                1,
                all,
                results)
            .call(tf, given);
    List<Operand<?>> gradients = new ArrayList<>(List.of(parts.get(0))); // [rows,f]
    if (d != null) {
      gradients.add(GpuKernel.sum(tf, parts.get(1), type)); // [f]
    }
    return gradients;
  }
}
