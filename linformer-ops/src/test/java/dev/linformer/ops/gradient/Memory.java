package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.tensorflow.Session;
import org.tensorflow.proto.AllocationRecord;
import org.tensorflow.proto.AllocatorMemoryUsed;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.DeviceStepStats;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.NodeExecStats;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.proto.RunMetadata;
import org.tensorflow.proto.RunOptions;

/**
 * What a run of a session allocated and computed, by TensorFlow's own records.
 *
 * <p>The records are of all that kernels allocate during the run, and of when it was freed:
 * intermediate results, gradients and scratch space. Variables, constants and fed tensors, which
 * are there before, are not among them.
 */
public final class Memory {

  private static final RunOptions TRACE =
      RunOptions.newBuilder().setTraceLevel(RunOptions.TraceLevel.FULL_TRACE).build();

  private Memory() {}

  /**
   * A session with one thread of its own and without Grappler, which changes the order of sums:
   * equal graphs give equal bits, and run in the same order each time.
   */
  public static ConfigProto exact() {
    return ConfigProto.newBuilder()
        .setIntraOpParallelismThreads(1)
        .setInterOpParallelismThreads(1)
        .setUsePerSessionThreads(true)
        .setGraphOptions(
            GraphOptions.newBuilder()
                .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
        .build();
  }

  /** Runs what was asked for and drops the results. */
  public static RunMetadata trace(Session.Runner runner) {
    try (var result = runner.setOptions(TRACE).runAndFetchMetadata()) {
      return result.getMetadata().orElseThrow();
    }
  }

  /**
   * The most bytes that were allocated at a time. Records have microseconds; what was freed in a
   * microsecond is taken off before what was allocated in it is added, so tensors that fill less
   * than a microsecond may be missed, and large ones are not.
   *
   * @throws IllegalArgumentException if the run was not traced
   */
  public static long peak(RunMetadata run) {
    List<AllocationRecord> records = new ArrayList<>();
    for (NodeExecStats node : nodes(run)) {
      for (AllocatorMemoryUsed memory : node.getMemoryList()) {
        records.addAll(memory.getAllocationRecordsList());
      }
    }
    if (records.isEmpty()) {
      throw new IllegalArgumentException("a run without allocation records: use Memory.trace");
    }
    records.sort(
        Comparator.comparingLong(AllocationRecord::getAllocMicros)
            .thenComparingLong(AllocationRecord::getAllocBytes));
    long bytes = 0;
    long peak = 0;
    for (AllocationRecord record : records) {
      bytes += record.getAllocBytes();
      peak = Math.max(peak, bytes);
    }
    return peak;
  }

  /**
   * The matrix products that were computed, batched or fused ones included.
   *
   * @return name of the node, one entry each time that it ran
   */
  public static List<String> products(RunMetadata run) {
    return nodes(run).stream()
        .filter(node -> operation(node).contains("MatMul"))
        .map(NodeExecStats::getNodeName)
        .toList();
  }

  /** The type of a node's operation; its label reads {@code name = Type(inputs)}. */
  private static String operation(NodeExecStats node) {
    String label = node.getTimelineLabel();
    int from = label.indexOf(" = ");
    int to = label.indexOf('(', Math.max(from, 0));
    return from < 0 || to < 0 ? "" : label.substring(from + 3, to);
  }

  /** What the executor ran. A GPU's streams list the same once more, kernel by kernel. */
  private static List<NodeExecStats> nodes(RunMetadata run) {
    List<NodeExecStats> nodes = new ArrayList<>();
    for (DeviceStepStats device : run.getStepStats().getDevStatsList()) {
      if (!device.getDevice().contains("/stream:")) {
        nodes.addAll(device.getNodeStatsList());
      }
    }
    return nodes;
  }
}
