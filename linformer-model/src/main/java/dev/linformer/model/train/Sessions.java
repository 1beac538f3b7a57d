package dev.linformer.model.train;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GPUOptions;

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
    ConfigProto config =
        ConfigProto.newBuilder()
            .setIntraOpParallelismThreads(threads)
            .setInterOpParallelismThreads(threads)
            .setUsePerSessionThreads(threads != ALL_THREADS)
            // A GPU's memory is taken as needed, not all at once.
            .setGpuOptions(GPUOptions.newBuilder().setAllowGrowth(true))
            .build();
    return new Session(graph, false, config);
  }
}
