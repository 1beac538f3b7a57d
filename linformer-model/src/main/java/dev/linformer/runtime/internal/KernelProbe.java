package dev.linformer.runtime.internal;

import dev.linformer.ops.Activation;
import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.internal.fused.FusedAttention;
import dev.linformer.runtime.Sessions;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/**
 * Each kind of kernel and its gradients, in one small graph whose numbers are known. Attention's
 * need as much shared memory as any.
 */
final class KernelProbe {

  private static final int N = 128; // a block of attention's keys
  private static final int C = 64; // the widest key that float32 has kernels for
  private static final double TOLERANCE = 5e-2; // it is whether they run, not how exactly

  private KernelProbe() {}

  /** A tensor whose last number ought to be a certain one. */
  record Check(Operand<TFloat32> value, double expected) {

    private boolean passes(TFloat32 found) {
      float last = found.asRawTensor().data().asFloats().getFloat(found.size() - 1);
      return Math.abs(last - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
    }
  }

  /**
   * Whether all run here.
   *
   * @param memoryFraction of a GPU's memory that this process may use, see {@link Sessions#open}
   */
  static boolean passes(double memoryFraction) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf); // [1,n,c]
      List<Check> checks = new ArrayList<>(attention(tf, x));
      checks.addAll(layers(tf, x, Backend.GPU_KERNELS));
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS, true, memoryFraction)) {
        return pass(session, x, checks);
      }
    } catch (TensorFlowException | UnsupportedOperationException | IllegalStateException e) {
      return false;
    }
  }

  /** What is to be fed with ones, [1,n,c]. */
  static Operand<TFloat32> input(Ops tf) {
    return tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(1, N, C)));
  }

  /** All in one run. */
  static boolean pass(Session session, Operand<TFloat32> x, List<Check> checks) {
    try (TFloat32 ones =
        TFloat32.tensorOf(x.shape(), all -> all.scalars().forEach(one -> one.setFloat(1)))) {
      Session.Runner runner = session.runner().feed(x, ones);
      checks.forEach(check -> runner.fetch(check.value));
      try (Result result = runner.run()) {
        for (int i = 0; i < checks.size(); i++) {
          if (!checks.get(i).passes((TFloat32) result.get(i))) {
            return false;
          }
        }
        return true;
      }
    }
  }

  /** All scores are alike, so each key has an equal share of each position. */
  static List<Check> attention(Ops tf, Operand<TFloat32> x) {
    Operand<TFloat32> q = tf.identity(x); // [1,n,c]
    Operand<TFloat32> keys = tf.reshape(x, tf.constant(new int[] {1, 1, N, C})); // [1,1,k,c]
    Operand<TFloat32> values = tf.reshape(x, tf.constant(new int[] {1, 1, N, C})); // [1,1,k,c]
    Operand<TFloat32> y = FusedAttention.call(tf, q, keys, values, true); // [1,n,c]
    var gradients = tf.gradients(y, List.of(q, keys, values));
    return List.of(
        new Check(y, 1),
        new Check(gradients.dy(0), 0),
        new Check(gradients.dy(1), 0),
        new Check(gradients.dy(2), 1));
  }

  /**
   * A norm, GELU, and it with a product. The norm's input is 2 ± 1, so it is normalised to ±1;
   * GELU's is 1 ± 1, and GELU(2) = 2·Φ(2) with the slope Φ(2) + 2·φ(2), and GELU(0) = 0.
   */
  static List<Check> layers(Ops tf, Operand<TFloat32> x, Backend backend) {
    float[] signs = new float[C];
    for (int i = 0; i < C; i++) {
      signs[i] = i % 2 == 0 ? -1 : 1;
    }
    Operand<TFloat32> weight = tf.constant(signs);
    Operand<TFloat32> bias = tf.constant(signs);
    Operand<TFloat32> d = tf.constant(signs);
    Operand<TFloat32> normal =
        new LayerNorm<>(weight, bias, backend)
            .call(tf, x, new LinearOutput<>(x, d, x.shape())); // [1,n,c]
    var ofNorm = tf.gradients(normal, List.of(weight, bias, d));

    Operand<TFloat32> mean =
        tf.fill(tf.constant(new int[] {C, C}), tf.constant(1f / C)); // [c,c], of all channels
    Operand<TFloat32> before = tf.constant(signs);
    Operand<TFloat32> y =
        new FeedForward<>(
                new Dense<>(mean, before), new Dense<>(mean, null), Activation.GELU, backend)
            .call(tf, x, 0, null); // [1,n,c]
    var ofGelu = tf.gradients(y, List.of(before));
    FeedForward<TBfloat16> narrow =
        new FeedForward<>(
                new Dense<>(mean, before), new Dense<>(mean, null), Activation.GELU, backend)
            .map(w -> tf.dtypes.cast(w, TBfloat16.class));
    Operand<TFloat32> product =
        tf.dtypes.cast(
            narrow.call(tf, tf.dtypes.cast(x, TBfloat16.class), 0, null),
            TFloat32.class); // [1,n,c]
    double below = 0.9772498680518208; // Φ(2)
    double slope = below + 2 * Math.exp(-2) / Math.sqrt(2 * Math.PI);
    return List.of(
        new Check(normal, 2),
        new Check(ofNorm.dy(0), N),
        new Check(ofNorm.dy(1), N),
        new Check(ofNorm.dy(2), 0),
        new Check(y, below),
        new Check(product, below),
        new Check(ofGelu.dy(0), N * slope));
  }
}
