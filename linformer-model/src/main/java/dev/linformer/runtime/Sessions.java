package dev.linformer.runtime;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.OptimizerOptions;

/** Sessions as this library wants them. */
public final class Sessions {

  /** Leaves the number of threads to TensorFlow: one a core. */
  public static final int ALL_THREADS = 0;

  private Sessions() {}

  /**
   * A session whose variables have no values yet: initialise or load them.
   *
   * @param threads that compute; with 1, sums are always made in the same order, and results are
   *     repeatable to the last digit
   */
  public static Session open(Graph graph, int threads) {
    return open(graph, threads, false);
  }

  /**
   * The same, with XLA or without.
   *
   * @param xla whether XLA compiles what it can of the graph: fewer passes over memory on a GPU,
   *     after a first step that takes seconds; on a CPU it is slower
   */
  public static Session open(Graph graph, int threads, boolean xla) {
    return open(graph, threads, xla, 0);
  }

  /**
   * The same with a limit.
   *
   * @param memoryFraction of a GPU's memory that may be used, for the first session of a process; 0
   *     for no limit
   */
  public static Session open(Graph graph, int threads, boolean xla, double memoryFraction) {
    CudaLibraries.load();
    OptimizerOptions.GlobalJitLevel level =
        xla ? OptimizerOptions.GlobalJitLevel.ON_2 : OptimizerOptions.GlobalJitLevel.OFF;
    ConfigProto config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(threads)
            .setInterOpParallelismThreads(threads)
            .setUsePerSessionThreads(threads != ALL_THREADS)
            // A GPU's memory is taken as needed, not all at once.
            .setGpuOptions(
                GPUOptions.newBuilder()
                    .setAllowGrowth(memoryFraction == 0)
                    .setPerProcessGpuMemoryFraction(memoryFraction))
            .setGraphOptions(
                GraphOptions.newBuilder()
                    .setOptimizerOptions(
                        OptimizerOptions.newBuilder()
                            .setGlobalJitLevel(level)
                            .setCpuGlobalJit(xla)))
            .build();
    return new Session(graph, false, config);
  }
}
