package dev.linformer.ops.internal.fused;

import dev.linformer.ops.gradient.CustomGradient;
import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.family.TFloating;

/**
 * Layer normalisation of a sum as one kernel on a GPU, and one for its gradients: each input is
 * read once, forward and backward, and nothing else is kept for the backward pass. All is computed
 * in float32.
 */
public final class FusedLayerNorm {

  /** Added to the variance. */
  public static final double EPSILON = 1e-5;

  private static final long WIDEST = 8_192; // values of a row, which are in one program's registers
  private static final long MOST_BLOCKS = Integer.MAX_VALUE - 1_024; // are counted in 32 bits

  private FusedLayerNorm() {}

  /**
   * Whether there are kernels for the shape and the type of x.
   *
   * @param x [...,c]
   */
  public static boolean fits(Operand<?> x) {
    Shape shape = x.shape();
    if (shape.hasUnknownDimension() || shape.numDimensions() == 0 || !GpuKernel.takes(x.type())) {
      return false;
    }
    long c = shape.get(shape.numDimensions() - 1);
    if (c < 1 || c > WIDEST || shape.size() < 1) {
      return false;
    }
    long height = new NormKernels("f32", 1, (int) c, false, false).blocks().height();
    return (shape.size() / c - 1) / height < MOST_BLOCKS;
  }

  /**
   * LayerNorm(x + a + d)·weight + bias on the last axis.
   *
   * @param residual x [...,c], or null
   * @param added a [...,c]
   * @param d [c], or null
   * @param weight [c]
   * @param bias [c]
   * @return [...,c]
   * @throws IllegalArgumentException if there are no kernels for these, see {@link #fits}, or the
   *     shapes or types don't go together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf,
      @Nullable Operand<T> residual,
      Operand<T> added,
      @Nullable Operand<T> d,
      Operand<T> weight,
      Operand<T> bias) {
    Shape shape = added.shape();
    requireFits(added);
    Shape vector = Shape.of(shape.get(shape.numDimensions() - 1)); // [c]
    List<Operand<T>> inputs = new ArrayList<>(); // of both kernels
    if (residual != null) {
      inputs.add(like(residual, shape, added));
    }
    inputs.add(added);
    if (d != null) {
      inputs.add(like(d, vector, added));
    }
    inputs.add(like(weight, vector, added));
    like(bias, vector, added);

    var matrix = GpuKernel.Argument.of(added);
    var kernels =
        new NormKernels(
            matrix.element(),
            shape.size() / vector.get(0),
            (int) vector.get(0),
            residual != null,
            d != null);
    List<GpuKernel.Argument> arguments = inputs.stream().map(GpuKernel.Argument::of).toList();
    String name = "layer_norm";
    List<Output<?>> forward =
        new GpuKernel(
                name,
                kernels.forward(name),
                List.of(kernels.blocks().down(), 1, 1),
                kernels.forwardWarps(),
                1,
                with(arguments, GpuKernel.Argument.of(bias)),
                List.of(matrix))
            .call(tf, with(inputs, bias));
    Operand<T> y = GpuKernel.typed(forward.get(0)); // [...,c]
    return CustomGradient.of(
        tf,
        y,
        with(inputs, bias),
        (inner, dy) -> {
          String gradient = "layer_norm_gradient";
          Shape partial = Shape.of(kernels.programs(), vector.get(0));
          var sums = new GpuKernel.Argument(DataType.DT_FLOAT, partial);
          List<GpuKernel.Argument> results = new ArrayList<>(List.of(matrix));
          results.addAll(Collections.nCopies(d == null ? 2 : 3, sums));
          List<Operand<?>> given = new ArrayList<>(inputs);
          given.add(dy);
          List<Output<?>> parts =
              new GpuKernel(
                      gradient,
                      kernels.backward(gradient),
                      List.of(kernels.programs(), 1, 1),
                      kernels.backwardWarps(),
                      1,
                      with(arguments, matrix),
                      results)
                  .call(inner, given);
          List<Operand<?>> gradients = new ArrayList<>();
          if (residual != null) {
            gradients.add(parts.get(0)); // [...,c]
          }
          gradients.add(parts.get(0)); // [...,c]
          if (d != null) {
            gradients.add(GpuKernel.sum(inner, parts.get(3), added.type())); // [c]
          }
          gradients.add(GpuKernel.sum(inner, parts.get(1), added.type())); // [c]
          gradients.add(GpuKernel.sum(inner, parts.get(2), added.type())); // [c]
          return gradients;
        });
  }

  private static void requireFits(Operand<?> x) {
    if (!fits(x)) {
      throw new IllegalArgumentException(
          "FusedLayerNorm: no kernel for %s of %s".formatted(x.shape(), x.type().getSimpleName()));
    }
  }

  /** The operand, if it has this shape and the type of x. */
  private static <T extends TFloating> Operand<T> like(
      Operand<T> operand, Shape shape, Operand<T> x) {
    if (!operand.shape().equals(shape) || operand.type() != x.type()) {
      throw new IllegalArgumentException(
          "FusedLayerNorm: %s of %s expected, found %s of %s"
              .formatted(
                  shape,
                  x.type().getSimpleName(),
                  operand.shape(),
                  operand.type().getSimpleName()));
    }
    return operand;
  }

  private static <E> List<E> with(List<E> all, E last) {
    List<E> more = new ArrayList<>(all);
    more.add(last);
    return more;
  }
}
