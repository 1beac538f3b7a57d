package dev.linformer.ops.internal.fused;

import dev.linformer.ops.gradient.CustomGradient;
import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Scores, softmax and mixture as one kernel on a GPU, and two for their gradients: no tensor of
 * [n,h·k] is ever written, forward or backward. Products of float32 have the 11 digits of
 * TensorFloat-32, softmax and sums those of float32.
 */
public final class FusedAttention {

  /** Bytes of a key or a value: 128 of each have to lie in a multiprocessor's shared memory. */
  private static final long WIDEST = 256;

  private static final long MOST_PAIRS = 65_535; // of a grid's second axis
  private static final long MOST_ROWS = Integer.MAX_VALUE - 1_024; // rows are counted in 32 bits
  private static final long MOST_KEYS = 1 << 20;

  private FusedAttention() {}

  /**
   * Whether there are kernels for these sizes and the type of x.
   *
   * @param x [b,n,·]
   * @param h heads
   * @param k keys of a head
   * @param p width of a key
   * @param r width of a value
   */
  public static boolean fits(Operand<?> x, long h, long k, long p, long r) {
    if (x.shape().hasUnknownDimension()
        || !GpuKernel.takes(x.type())
        || k > MOST_KEYS
        || Math.max(p, r) > WIDEST / bytes(x)) {
      return false;
    }
    long b = x.shape().get(0);
    long n = x.shape().get(1);
    return b > 0 && b * h <= MOST_PAIRS && n > 0 && n <= MOST_ROWS;
  }

  private static int bytes(Operand<?> x) {
    return x.type() == TFloat32.class ? Float.BYTES : Short.BYTES;
  }

  /**
   * softmax(q·Kᵀ)·V of every head.
   *
   * @param q queries of all heads side by side, [b,n,h·p], or the same for all, [b,n,p]
   * @param keys with the scale, [b,h,k,p]
   * @param values [b,h,k,r]
   * @param sum whether the heads' outputs are added up
   * @return [b,n,h·r], or [b,n,r] if they are added up
   * @throws IllegalArgumentException if there are no kernels for these, see {@link #fits}, or the
   *     shapes don't go together
   */
  public static <T extends TFloating> Operand<T> call(
      Ops tf, Operand<T> q, Operand<T> keys, Operand<T> values, boolean sum) {
    long[] sizes = keys.shape().asArray();
    long b = sizes[0];
    long h = sizes[1];
    long k = sizes[2];
    long p = sizes[3];
    long r = values.shape().get(3);
    long n = q.shape().get(1);
    boolean oneQuery = q.shape().get(2) == p;
    if (!fits(q, h, k, p, r)
        || !(oneQuery || q.shape().get(2) == h * p)
        || q.shape().get(0) != b
        || !values.shape().equals(Shape.of(b, h, k, r))) {
      throw new IllegalArgumentException(
          "FusedAttention: no kernel for queries %s, keys %s and values %s of %s"
              .formatted(q.shape(), keys.shape(), values.shape(), q.type().getSimpleName()));
    }
    var x = GpuKernel.Argument.of(q);
    var tiling =
        new AttentionTiling(
            x.element(), b, (int) h, (int) n, (int) k, (int) p, (int) r, oneQuery, sum);
    var key = GpuKernel.Argument.of(keys);
    var value = GpuKernel.Argument.of(values);
    var out = new GpuKernel.Argument(x.type(), Shape.of(b, n, sum ? r : h * r));
    var numbers = new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(b, h, n));

    String name = "attention";
    List<Output<?>> forward =
        new GpuKernel(
                name,
                AttentionForwardKernel.text(tiling, name),
                List.of(tiling.forwardPrograms(), (int) (sum ? b : b * h), 1),
                tiling.forwardBlock().warps(),
                tiling.forwardStages(),
                List.of(x, key, tiling.transposed() ? transposed(value) : value),
                List.of(out, numbers))
            .call(tf, List.of(q, keys, tiling.transposed() ? transposed(tf, values) : values));
    Operand<T> y = GpuKernel.typed(forward.get(0)); // [b,n,r] or [b,n,h·r]
    Output<?> logs = forward.get(1); // [b,h,n]
    return CustomGradient.of(
        tf,
        y,
        List.of(q, keys, values),
        (inner, dy) -> {
          List<Operand<?>> inputs = new ArrayList<>(List.of(q, keys, values, dy, logs));
          List<GpuKernel.Argument> arguments =
              new ArrayList<>(List.of(x, key, value, out, numbers));
          if (!sum) {
            inputs.add(forward.get(0));
            arguments.add(out);
          }
          if (tiling.transposed()) {
            inputs.add(transposed(inner, keys)); // [b,h,p,k]
            arguments.add(transposed(key));
          }
          String byRows = "attention_by_rows";
          List<Output<?>> rows =
              new GpuKernel(
                      byRows,
                      AttentionQueryGradientKernel.text(tiling, byRows),
                      List.of(tiling.rowBlock().count(n), (int) (oneQuery ? b : b * h), 1),
                      tiling.rowBlock().warps(),
                      tiling.rowStages(),
                      arguments,
                      List.of(x, numbers))
                  .call(inner, inputs);
          long slices = tiling.slices();
          String byKeys = "attention_by_keys";
          List<Output<?>> sides =
              new GpuKernel(
                      byKeys,
                      AttentionKeyGradientKernel.text(tiling, byKeys),
                      List.of((int) slices, (int) (b * h), tiling.keyBlocks()),
                      tiling.keyWarps(),
                      tiling.keyStages(),
                      List.of(x, key, value, out, numbers, numbers),
                      List.of(
                          new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(slices, b, h, k, p)),
                          new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(slices, b, h, k, r))))
                  .call(inner, List.of(q, keys, values, dy, logs, rows.get(1)));
          List<Operand<?>> gradients = new ArrayList<>();
          gradients.add(rows.get(0)); // of the shape of q
          for (Output<?> side : sides) {
            gradients.add(GpuKernel.sum(inner, side, q.type())); // [b,h,k,p] or [b,h,k,r]
          }
          return gradients;
        });
  }

  /** The last two axes exchanged, [b,h,k,p] → [b,h,p,k]. */
  private static <T extends TFloating> Operand<T> transposed(Ops tf, Operand<T> x) {
    return tf.linalg.transpose(x, tf.constant(new int[] {0, 1, 3, 2}));
  }

  private static GpuKernel.Argument transposed(GpuKernel.Argument x) {
    long[] sizes = x.shape().asArray();
    return new GpuKernel.Argument(x.type(), Shape.of(sizes[0], sizes[1], sizes[3], sizes[2]));
  }
}
