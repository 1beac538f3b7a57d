package dev.linformer.ops.attention;

import dev.linformer.ops.Shapes;
import dev.linformer.ops.gradient.OwnGradient;
import dev.linformer.ops.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Scores, softmax and mixture as one kernel on a GPU, and two for their gradients: no tensor of
 * [n,h·k] is ever written, forward or backward. Products of float32 have the 11 digits of
 * TensorFloat-32, softmax and sums those of float32.
 */
final class FusedAttention {

  private static final int WARPS = Integer.getInteger("warps", 8);
  private static final int STAGES = Integer.getInteger("stages", 1);
  private static final long TILE = 1 << 16; // bytes of a head's keys or values in shared memory
  private static final long MOST_PAIRS = 65_535; // of a grid's second axis

  private FusedAttention() {}

  /**
   * Whether there are kernels for these sizes and this type.
   *
   * @param q [b,n,p], or [b,n,h·p]
   * @param keys [b,h,k,p]
   * @param values [b,h,k,r]
   */
  static boolean fits(Operand<?> q, Operand<?> keys, Operand<?> values) {
    if (Stream.of(q, keys, values).anyMatch(x -> x.shape().hasUnknownDimension())) {
      return false;
    }
    if (q.type() != TFloat32.class && q.type() != TBfloat16.class) {
      return false;
    }
    long bytes = q.type() == TFloat32.class ? 4 : 2;
    long[] sizes = keys.shape().asArray();
    long r = values.shape().get(3);
    if (sizes[2] > 1024 || Math.max(sizes[3], r) > 256 || q.shape().get(1) > Integer.MAX_VALUE) {
      return false;
    }
    long width = AttentionKernels.padded((int) Math.max(sizes[3], r));
    return AttentionKernels.padded((int) sizes[2]) * width * bytes <= TILE
        && sizes[0] * sizes[1] <= MOST_PAIRS
        && q.shape().get(1) > 0
        && sizes[0] > 0;
  }

  /**
   * softmax(q·Kᵀ)·V of every head.
   *
   * @param q queries of all heads side by side, [b,n,h·p], or the same for all, [b,n,p]
   * @param keys with the scale, [b,h,k,p]
   * @param values [b,h,k,r]
   * @param sum whether the heads' outputs are added up
   * @return [b,n,h·r], or [b,n,r] if they are added up
   */
  static <T extends TFloating> Operand<T> call(
      Ops tf, Operand<T> q, Operand<T> keys, Operand<T> values, boolean sum) {
    long[] sizes = keys.shape().asArray();
    long b = sizes[0];
    long h = sizes[1];
    long k = sizes[2];
    long p = sizes[3];
    long r = values.shape().get(3);
    long n = q.shape().get(1);
    boolean one = q.shape().get(2) == p;
    boolean narrow = q.type() == TBfloat16.class;
    var kernels =
        new AttentionKernels(
            narrow ? "bf16" : "f32", b, (int) h, (int) n, (int) k, (int) p, (int) r, one, sum);
    DataType type = narrow ? DataType.DT_BFLOAT16 : DataType.DT_FLOAT;
    Shape numbers = Shape.of(b, h, n);
    Shape outputShape = Shape.of(b, n, sum ? r : h * r);

    String name = "attention";
    GpuKernel forward =
        kernel(
            name,
            kernels.forward(name),
            List.of(kernels.blocks(), (int) (sum ? b : b * h), 1),
            List.of(type, type, type),
            new GpuKernel.Result(type, outputShape),
            new GpuKernel.Result(DataType.DT_FLOAT, numbers));
    name = "attention_by_rows";
    GpuKernel byRows =
        kernel(
            name,
            kernels.backwardByRows(name),
            List.of(kernels.blocks(), (int) (one ? b : b * h), 1),
            List.of(type, type, type, type, DataType.DT_FLOAT),
            new GpuKernel.Result(type, q.shape()),
            new GpuKernel.Result(DataType.DT_FLOAT, numbers));
    name = "attention_by_keys";
    long slices = kernels.slices();
    GpuKernel byKeys =
        kernel(
            name,
            kernels.backwardByKeys(name),
            List.of((int) slices, (int) (b * h), kernels.keyBlocks()),
            List.of(type, type, type, type, DataType.DT_FLOAT, DataType.DT_FLOAT),
            new GpuKernel.Result(DataType.DT_FLOAT, Shape.of(slices, b, h, k, p)),
            new GpuKernel.Result(DataType.DT_FLOAT, Shape.of(slices, b, h, k, r)));
    Stream.of(forward, byRows, byKeys).forEach(kernel -> kernel.attach(tf));

    List<Output<?>> made = forward.call(tf, List.of(q, keys, values));
    Operand<T> y = shaped(tf, made.get(0), outputShape); // [b,n,r] or [b,n,h·r]
    Output<?> logs = made.get(1); // [b,h,n]
    return OwnGradient.of(
        tf,
        y,
        List.of(q, keys, values),
        (inner, dy) -> {
          List<Output<?>> rows = byRows.call(inner, List.of(q, keys, values, dy, logs));
          List<Output<?>> sides =
              byKeys.call(inner, List.of(q, keys, values, dy, logs, rows.get(1)));
          List<Operand<?>> gradients = new ArrayList<>();
          gradients.add(rows.get(0)); // of the shape of q
          for (Output<?> side : sides) {
            Operand<TFloat32> whole =
                inner.sum(shaped32(side), inner.constant(0)); // [b,h,k,p] or [b,h,k,r]
            gradients.add(inner.dtypes.cast(whole, q.type()));
          }
          return gradients;
        });
  }

  private static GpuKernel kernel(
      String name,
      String text,
      List<Integer> grid,
      List<DataType> arguments,
      GpuKernel.Result... results) {
    return new GpuKernel(name, text, grid, WARPS, STAGES, arguments, Arrays.asList(results));
  }

  @SuppressWarnings("unchecked") // the kernel's result has this type
  private static <T extends TFloating> Operand<T> shaped(Ops tf, Output<?> x, Shape shape) {
    return Shapes.reshape(tf, (Operand<T>) x, shape.asArray());
  }

  @SuppressWarnings("unchecked") // the kernel's result has this type
  private static Operand<TFloat32> shaped32(Output<?> x) {
    return (Operand<TFloat32>) x;
  }
}
