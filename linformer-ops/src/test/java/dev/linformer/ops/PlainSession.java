package dev.linformer.ops;

import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.OptimizerOptions;
import org.tensorflow.proto.RewriterConfig;

/**
 * Sessions for small graphs that are run once: they compute a graph's operations as they stand.
 *
 * <p>TensorFlow's passes over a graph take longer than such a graph itself, mostly to compute what
 * is constant. They are part of every session that the library opens, so trainings, exports and
 * their tests have them.
 */
public final class PlainSession {

  private static final ConfigProto CONFIG =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setOptimizerOptions(
                      OptimizerOptions.newBuilder().setOptLevel(OptimizerOptions.Level.L0))
                  .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
          .build();

  private PlainSession() {}

  /** A session, to be closed by the caller. */
  public static Session open(Graph graph) {
    return new Session(graph, CONFIG);
  }
}
