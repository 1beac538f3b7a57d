package dev.linformer.model.train;

import dev.linformer.model.InvalidInputException;
import dev.linformer.ops.attention.FusedAttention;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** What TensorFlow can compute on here. */
public final class Devices {

  private static final long KERNEL_KEYS = 128;
  private static final long KERNEL_WIDTH = 64;

  private Devices() {}

  /** Whether the first device of a kind computes: found out by a small product. */
  public static boolean compute(DeviceSpec.DeviceType type) {
    return compute(type, 0);
  }

  private static boolean compute(DeviceSpec.DeviceType type, double memoryFraction) {
    DeviceSpec device = DeviceSpec.newBuilder().deviceType(type).deviceIndex(0).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph).withDevice(device);
      Operand<TFloat32> x = tf.constant(new float[][] {{1, 2}, {3, 4}}); // [2,2]
      Operand<TFloat32> y = tf.linalg.matMul(x, x); // [2,2]
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS, false, memoryFraction);
          Result result = session.runner().fetch(y).run()) {
        return ((TFloat32) result.get(0)).getFloat(1, 1) == 22;
      }
    } catch (TensorFlowException | IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * Whether the kernels of {@link FusedAttention} run here: found out by some that need as much
   * shared memory as any. They want XLA and an NVIDIA GPU such as A100 or H100: compute capability
   * 8 or later and 164 KB of shared memory.
   *
   * @param memoryFraction of a GPU's memory that this process may use, see {@link Sessions#open}
   */
  public static boolean runKernels(double memoryFraction) {
    if (!compute(DeviceSpec.DeviceType.GPU, memoryFraction)) {
      return false;
    }
    Shape rows = Shape.of(1, KERNEL_KEYS, KERNEL_WIDTH); // [b,n,p]
    Shape side = Shape.of(1, 1, KERNEL_KEYS, KERNEL_WIDTH); // [b,h,k,p]
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var q = tf.placeholder(TFloat32.class, Placeholder.shape(rows));
      var keys = tf.placeholder(TFloat32.class, Placeholder.shape(side));
      var values = tf.placeholder(TFloat32.class, Placeholder.shape(side));
      Operand<TFloat32> y = FusedAttention.call(tf, q, keys, values, true); // [b,n,p]
      Gradients gradients = tf.gradients(y, List.of(q, keys, values));
      try (TFloat32 queries = ones(rows);
          TFloat32 sides = ones(side);
          Session session = Sessions.open(graph, Sessions.ALL_THREADS, true, memoryFraction);
          Result result =
              session
                  .runner()
                  .feed(q, queries)
                  .feed(keys, sides)
                  .feed(values, sides)
                  .fetch(y)
                  .fetch(gradients.dy(0))
                  .fetch(gradients.dy(1))
                  .fetch(gradients.dy(2))
                  .run()) {
        // All scores are alike, so each key has an equal share of each position.
        float last = ((TFloat32) result.get(0)).getFloat(0, KERNEL_KEYS - 1, 0);
        float share = ((TFloat32) result.get(3)).getFloat(0, 0, KERNEL_KEYS - 1, 0);
        return Math.abs(last - 1) < 1e-3 && Math.abs(share - 1) < 1e-3;
      }
    } catch (TensorFlowException | UnsupportedOperationException | IllegalStateException e) {
      return false;
    }
  }

  private static TFloat32 ones(Shape shape) {
    return TFloat32.tensorOf(shape, all -> all.scalars().forEach(x -> x.setFloat(1)));
  }

  /**
   * Whether attentions and norms are kernels.
   *
   * @param xla whether XLA compiles graphs; without it there are none
   * @param wish what is asked for; null: where they run
   * @throws InvalidInputException if they are asked for and don't run here
   */
  public static boolean kernels(boolean xla, @Nullable Boolean wish) {
    boolean wanted = wish == null ? xla : wish;
    boolean possible = wanted && xla && runKernels(0);
    if (Boolean.TRUE.equals(wish) && !possible) {
      throw new InvalidInputException(
          "kernels = true, but %s: leave the key out"
              .formatted(
                  xla
                      ? "there is no NVIDIA GPU here that they run on"
                      : "xla is off, which compiles them"));
    }
    return possible;
  }

  /**
   * Whether XLA compiles graphs.
   *
   * @param wish what is asked for; null: where there is a GPU, since on CPUs it is slower
   */
  public static boolean compile(@Nullable Boolean wish) {
    return wish == null ? compute(DeviceSpec.DeviceType.GPU) : wish;
  }
}
