package dev.linformer.model.train;

import org.jspecify.annotations.Nullable;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What TensorFlow can compute on here. */
public final class Devices {

  private Devices() {}

  /** Whether the first device of a kind computes: found out by a small product. */
  public static boolean compute(DeviceSpec.DeviceType type) {
    DeviceSpec device = DeviceSpec.newBuilder().deviceType(type).deviceIndex(0).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph).withDevice(device);
      Operand<TFloat32> x = tf.constant(new float[][] {{1, 2}, {3, 4}}); // [2,2]
      Operand<TFloat32> y = tf.linalg.matMul(x, x); // [2,2]
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS);
          Result result = session.runner().fetch(y).run()) {
        return ((TFloat32) result.get(0)).getFloat(1, 1) == 22;
      }
    } catch (TensorFlowException | IllegalArgumentException e) {
      return false;
    }
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
