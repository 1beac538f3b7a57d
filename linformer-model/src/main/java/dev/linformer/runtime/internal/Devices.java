package dev.linformer.runtime.internal;

import dev.linformer.io.InvalidInputException;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.Toggle;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;

/** What TensorFlow can compute on here. */
public final class Devices {

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
   * Opens a session and computes a constant in it. A GPU stays as it is, also for the sessions that
   * follow.
   *
   * @param threads as for {@link Sessions#open(Graph, int)}
   */
  public static void computeOnCpu(int threads) {
    ConfigProto config =
        ConfigProto.newBuilder()
            .putDeviceCount("GPU", 0)
            .setIntraOpParallelismThreads(threads)
            .setInterOpParallelismThreads(threads)
            .setUsePerSessionThreads(threads != Sessions.ALL_THREADS)
            .build();
    try (Graph graph = new Graph();
        Session session = new Session(graph, false, config)) {
      session.runner().fetch(Ops.create(graph).constant(0)).run().close();
    }
  }

  /**
   * Whether the kernels of attentions, norms and GELU run here: found out by small ones. They want
   * XLA and an NVIDIA GPU such as A100 or H100: compute capability 8 or later and 164 KB of shared
   * memory.
   *
   * @param memoryFraction of a GPU's memory that this process may use, see {@link Sessions#open}
   */
  public static boolean runKernels(double memoryFraction) {
    return compute(DeviceSpec.DeviceType.GPU, memoryFraction) && KernelProbe.passes(memoryFraction);
  }

  /**
   * Whether attention, norms and GELU run as kernels.
   *
   * @param xla whether XLA compiles graphs; without it there are none
   * @param wish {@link Toggle#AUTO}: where they run
   * @throws InvalidInputException if they are asked for and don't run here
   */
  public static boolean kernels(boolean xla, Toggle wish) {
    boolean possible = wish != Toggle.OFF && xla && runKernels(0);
    if (wish == Toggle.ON && !possible) {
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
   * @param wish {@link Toggle#AUTO}: where there is a GPU, since on CPUs it is slower
   */
  public static boolean compile(Toggle wish) {
    return wish == Toggle.AUTO ? compute(DeviceSpec.DeviceType.GPU) : wish == Toggle.ON;
  }
}
