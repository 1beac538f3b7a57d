package dev.linformer.bench;

import dev.linformer.bench.ExecutorGraph.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.op.Op;

/**
 * The memory that TensorFlow's executor would take to run a graph on one thread, worked out from
 * the graph's shapes. It follows the executor's rules: an operation runs when all that it needs is
 * there; a buffer is freed after its last consumer; some operations share their input's buffer, and
 * elementwise ones write into that of an input that nobody else needs.
 */
final class ExecutorMemory {

  private static final int NONE = -1;
  private static final int RESIDENT_INPUT = -2;

  private static final Set<String> SHARING =
      Set.of(
          "Identity",
          "IdentityN",
          "Reshape",
          "Squeeze",
          "ExpandDims",
          "StopGradient",
          "PreventGradient",
          "Snapshot");

  /** These share where the output has the input's size. */
  private static final Set<String> SHARING_WHOLE =
      Set.of(
          "Sum",
          "Mean",
          "Max",
          "Min",
          "Prod",
          "Slice",
          "StridedSlice",
          "ConcatV2",
          "Cast",
          "Tile",
          "Pad");

  private static final Set<String> ELEMENTWISE =
      Set.of(
          "Abs",
          "Add",
          "AddN",
          "AddV2",
          "BiasAdd",
          "Cos",
          "Div",
          "DivNoNan",
          "Erf",
          "Exp",
          "Inv",
          "Log",
          "Log1p",
          "Maximum",
          "Minimum",
          "Mul",
          "Neg",
          "Pow",
          "RealDiv",
          "Reciprocal",
          "ReciprocalGrad",
          "Relu",
          "ReluGrad",
          "Rsqrt",
          "RsqrtGrad",
          "Select",
          "Sigmoid",
          "SigmoidGrad",
          "Sign",
          "Sin",
          "Softmax",
          "LogSoftmax",
          "Sqrt",
          "SqrtGrad",
          "Square",
          "SquaredDifference",
          "Sub",
          "Tanh",
          "TanhGrad");

  private final List<Node> nodes;
  private final List<Long> sizes = new ArrayList<>(); // of buffers
  private final List<Integer> references = new ArrayList<>(); // to buffers
  private long bytes;
  private long peak;

  private ExecutorMemory(List<Node> nodes) {
    this.nodes = nodes;
    for (Node node : nodes) {
      node.buffers = new int[node.bytes.length];
      Arrays.fill(node.buffers, NONE);
    }
  }

  /**
   * The most bytes at a time, without variables, constants and what is fed.
   *
   * @param targets what is run
   */
  static long peak(Graph graph, List<? extends Op> targets) {
    ExecutorMemory memory = new ExecutorMemory(ExecutorGraph.read(graph, targets));
    memory.run();
    return memory.peak;
  }

  /** In the order in which operations were added to the graph, of those that are ready. */
  private void run() {
    Queue<Integer> ready = new PriorityQueue<>();
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      if (node.needed && !node.constant && node.pending == 0) {
        ready.add(i);
      }
    }
    while (!ready.isEmpty()) {
      Node node = nodes.get(ready.remove());
      execute(node);
      for (int follower : node.followers) {
        if (--nodes.get(follower).pending == 0) {
          ready.add(follower);
        }
      }
    }
  }

  private void execute(Node node) {
    if (!node.isResident()) {
      for (int o = 0; o < node.bytes.length; o++) {
        int from = taken(node, o);
        node.buffers[o] = from == NONE ? allocate(node.bytes[o]) : from;
      }
    }
    for (int o = 0; o < node.buffers.length; o++) {
      add(node.buffers[o], node.uses[o]);
    }
    for (int i = 0; i < node.inputs.size(); i++) {
      Node source = nodes.get(node.inputs.get(i));
      if (!source.constant) {
        add(source.buffers[node.ports.get(i)], -1);
      }
    }
    for (int buffer : node.buffers) {
      add(buffer, 0);
    }
  }

  /** The buffer of an input that an output lies in; -2 if it is resident. */
  private int taken(Node node, int output) {
    String type = node.type();
    if (SHARING.contains(type)) {
      return input(node, type.equals("IdentityN") ? output : 0);
    }
    for (int i = 0; i < node.inputs.size(); i++) {
      Node source = nodes.get(node.inputs.get(i));
      int port = node.ports.get(i);
      if (source.constant || source.bytes[port] != node.bytes[output]) {
        continue;
      }
      int buffer = source.buffers[port];
      if (SHARING_WHOLE.contains(type)) {
        return buffer == NONE ? RESIDENT_INPUT : buffer;
      }
      if (elementwise(node) && buffer >= 0 && references.get(buffer) == 1) {
        return buffer;
      }
    }
    return NONE;
  }

  /** A choice is elementwise if nothing is broadcast. */
  private boolean elementwise(Node node) {
    if (!node.type().equals("SelectV2")) {
      return ELEMENTWISE.contains(node.type());
    }
    long values = node.operation.output(0).shape().size();
    return IntStream.range(0, 3)
        .allMatch(
            i ->
                nodes.get(node.inputs.get(i)).operation.output(node.ports.get(i)).shape().size()
                    == values);
  }

  private int input(Node node, int i) {
    Node source = nodes.get(node.inputs.get(i));
    int buffer = source.constant ? NONE : source.buffers[node.ports.get(i)];
    return buffer == NONE ? RESIDENT_INPUT : buffer;
  }

  private int allocate(long size) {
    sizes.add(size);
    references.add(0);
    bytes += size;
    peak = Math.max(peak, bytes);
    return sizes.size() - 1;
  }

  private void add(int buffer, int more) {
    if (buffer < 0) {
      return;
    }
    int now = references.get(buffer) + more;
    references.set(buffer, now);
    if (now == 0 && sizes.get(buffer) > 0) {
      bytes -= sizes.get(buffer);
      sizes.set(buffer, 0L);
    }
  }
}
