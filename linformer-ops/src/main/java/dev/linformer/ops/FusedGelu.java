package dev.linformer.ops;

import dev.linformer.ops.gradient.OwnGradient;
import dev.linformer.ops.kernel.GpuKernel;
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
final class FusedGelu {

  private static final long MOST_ROWS = Integer.MAX_VALUE - 4_096L; // blocks are counted in 32 bits
  private static final long MOST_COLUMNS = 1 << 20; // a block's values, too

  private FusedGelu() {}

  /**
   * Whether there are kernels for the shape and the type of a.
   *
   * @param a [rows,f]
   */
  static boolean fits(Operand<?> a) {
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
  static <T extends TFloating> Operand<T> call(Ops tf, Operand<T> a, @Nullable Operand<T> d) {
    if (!fits(a)
        || (d != null && (!d.shape().equals(Shape.of(a.shape().get(1))) || d.type() != a.type()))) {
      throw new IllegalArgumentException(
          "FusedGelu: no kernel for %s of %s and a bias of %s"
              .formatted(a.shape(), a.type().getSimpleName(), d == null ? null : d.shape()));
    }
    long f = a.shape().get(1);
    var matrix = GpuKernel.Argument.of(a);
    var kernels = new GeluKernels(matrix.element(), a.shape().get(0), (int) f, d != null);
    List<Operand<T>> inputs = new ArrayList<>(List.of(a));
    List<GpuKernel.Argument> arguments = new ArrayList<>(List.of(matrix));
    List<GpuKernel.Argument> results = new ArrayList<>(List.of(matrix));
    if (d != null) {
      inputs.add(d);
      arguments.add(GpuKernel.Argument.of(d));
      results.add(new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(kernels.programs(), f)));
    }
    String name = "gelu";
    List<Output<?>> made =
        new GpuKernel(
                name,
                kernels.forward(name),
                List.of(kernels.blocks(), kernels.across(), 1),
                GeluKernels.WARPS,
                1,
                arguments,
                List.of(matrix))
            .call(tf, inputs);
    Operand<T> y = GpuKernel.typed(made.get(0)); // [rows,f]
    return OwnGradient.of(
        tf,
        y,
        inputs,
        (inner, dy) -> {
          String gradient = "gelu_gradient";
          List<Operand<?>> given = new ArrayList<>(inputs);
          given.add(dy);
          List<GpuKernel.Argument> all = new ArrayList<>(arguments);
          all.add(matrix);
          List<Output<?>> parts =
              new GpuKernel(
                      gradient,
                      kernels.backward(gradient),
                      List.of(kernels.programs(), kernels.across(), 1),
                      GeluKernels.WARPS,
                      1,
                      all,
                      results)
                  .call(inner, given);
          List<Operand<?>> gradients = new ArrayList<>(List.of(parts.get(0))); // [rows,f]
          if (d != null) {
            gradients.add(GpuKernel.sum(inner, parts.get(1), a.type())); // [f]
          }
          return gradients;
        });
  }
}
