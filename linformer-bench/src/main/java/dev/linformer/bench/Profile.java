package dev.linformer.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.proto.DeviceStepStats;
import org.tensorflow.proto.NodeExecStats;
import org.tensorflow.proto.StepStats;

/**
 * What a step spends its time on, by TensorFlow's own trace of it: the kernels of a GPU, where it
 * could trace those, and otherwise operations. XLA's program is one operation on a CPU. Some may
 * run side by side, and a traced step takes longer than others, mostly between its kernels.
 *
 * @param rows by time, the longest first
 */
record Profile(List<OperationTime> rows) {

  // What the GPU did, without what the names of streams and of operations repeat.
  private static final List<String> OF_A_GPU = List.of("/stream:all", "/memcpy");
  private static final Pattern KERNEL = Pattern.compile("(.*?) (?:regs|kind_src):.*");
  private static final Pattern OPERATION = Pattern.compile(".*? = ([^(]+)\\(.*", Pattern.DOTALL);

  /**
   * All kernels of a name, or all operations of a type.
   *
   * @param what the name, or the type
   * @param count how many there were
   * @param micros that they took together
   */
  record OperationTime(String what, int count, double micros) {

    private OperationTime plus(OperationTime other) {
      return new OperationTime(what, count + other.count, micros + other.micros);
    }
  }

  /** Of one step. */
  static Profile of(StepStats stats) {
    List<DeviceStepStats> gpu =
        stats.getDevStatsList().stream()
            .filter(device -> OF_A_GPU.stream().anyMatch(device.getDevice()::endsWith))
            .toList();
    boolean kernels = !gpu.isEmpty();
    Map<String, OperationTime> rows = new LinkedHashMap<>();
    for (DeviceStepStats device : kernels ? gpu : stats.getDevStatsList()) {
      for (NodeExecStats node : device.getNodeStatsList()) {
        OperationTime row =
            new OperationTime(what(node, kernels ? KERNEL : OPERATION), 1, micros(node));
        rows.merge(row.what, row, OperationTime::plus);
      }
    }
    List<OperationTime> sorted = new ArrayList<>(rows.values());
    sorted.sort(Comparator.comparingDouble(OperationTime::micros).reversed());
    return new Profile(List.copyOf(sorted));
  }

  private static String what(NodeExecStats node, Pattern of) {
    Matcher matcher = of.matcher(node.getTimelineLabel());
    return matcher.matches() ? matcher.group(1) : node.getNodeName();
  }

  private static double micros(NodeExecStats node) {
    return node.getAllEndRelNanos() > 0
        ? node.getAllEndRelNanos() / 1e3
        : node.getAllEndRelMicros();
  }

  /** An object a row: {@code what}, {@code count}, {@code us}. */
  ArrayNode toJson() {
    ArrayNode json = JsonNodeFactory.instance.arrayNode();
    for (OperationTime row : rows) {
      json.addObject().put("what", row.what).put("count", row.count).put("us", row.micros);
    }
    return json;
  }
}
