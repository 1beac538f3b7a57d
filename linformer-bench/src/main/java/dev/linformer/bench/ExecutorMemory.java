package dev.linformer.bench;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Set;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * The memory that TensorFlow's executor would take to run a graph on one thread, worked out from
 * the graph's shapes. It follows the executor's rules: an operation runs when all that it needs is
 * there; a buffer is freed after its last consumer; some operations share their input's buffer, and
 * elementwise ones write into that of an input that nobody else needs.
 */
final class ExecutorMemory {

  /** TensorFlow computes no larger constants before the run. */
  private static final long LARGEST_CONSTANT = 10L << 20;

  private static final int NONE = -1;
  private static final int RESIDENT_INPUT = -2;

  /** Variables and what is fed are there before; an update is in place. */
  private static final Set<String> RESIDENT =
      Set.of("Const", "Placeholder", "VariableV2", "Variable", "ApplyGradientDescent", "NoOp");

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

  private static final Set<String> SHAPES = Set.of("Shape", "ShapeN", "Size", "Rank");

  /** A node with what it needs and who needs it, by number. */
  private static final class Node {
    final NodeDef definition;
    final GraphOperation operation;
    final List<Integer> inputs = new ArrayList<>(); // nodes, by data edge
    final List<Integer> ports = new ArrayList<>(); // their outputs
    final List<Integer> after = new ArrayList<>(); // nodes, by control edge
    final List<Integer> followers = new ArrayList<>(); // nodes, an entry an edge
    int[] uses = {}; // consuming edges of each output
    long[] bytes = {}; // of each output
    boolean needed;
    boolean constant;
    int pending;
    int[] buffers = {};

    Node(NodeDef definition, GraphOperation operation) {
      this.definition = definition;
      this.operation = operation;
    }

    String type() {
      return definition.getOp();
    }
  }

  /** TensorFlow makes one of two operations that are the same. */
  private record Computation(
      String type,
      List<Integer> inputs,
      List<Integer> ports,
      List<Integer> after,
      Map<String, AttrValue> attributes) {
    static Computation of(Node node) {
      return new Computation(
          node.type(), node.inputs, node.ports, node.after, node.definition.getAttrMap());
    }
  }

  private final List<Node> nodes = new ArrayList<>();
  private final List<Long> sizes = new ArrayList<>(); // of buffers
  private final List<Integer> references = new ArrayList<>(); // to buffers
  private long bytes;
  private long peak;

  private ExecutorMemory() {}

  /**
   * The most bytes at a time, without variables, constants and what is fed.
   *
   * @param targets what is run
   */
  static long peak(Graph graph, List<? extends Op> targets) {
    ExecutorMemory memory = new ExecutorMemory();
    memory.read(graph, targets);
    memory.run();
    return memory.peak;
  }

  private void read(Graph graph, List<? extends Op> targets) {
    Map<String, Integer> numbers = new HashMap<>();
    Iterator<GraphOperation> operations = graph.operations();
    Map<String, GraphOperation> byName = new HashMap<>();
    operations.forEachRemaining(operation -> byName.put(operation.name(), operation));
    for (NodeDef definition : graph.toGraphDef().getNodeList()) {
      numbers.put(definition.getName(), nodes.size());
      nodes.add(new Node(definition, Objects.requireNonNull(byName.get(definition.getName()))));
    }
    Map<Computation, Integer> first = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      for (String input : node.definition.getInputList()) {
        if (input.startsWith("^")) {
          node.after.add(number(numbers, input.substring(1)));
        } else {
          int colon = input.lastIndexOf(':');
          node.inputs.add(number(numbers, colon < 0 ? input : input.substring(0, colon)));
          node.ports.add(colon < 0 ? 0 : Integer.parseInt(input.substring(colon + 1)));
        }
      }
      if (!RESIDENT.contains(node.type()) || node.type().equals("Const")) {
        Integer same = first.putIfAbsent(Computation.of(node), i);
        if (same != null) {
          numbers.put(node.definition.getName(), same);
        }
      }
    }
    Deque<Integer> open = new ArrayDeque<>();
    targets.forEach(target -> open.add(number(numbers, target.op().name())));
    while (!open.isEmpty()) {
      Node node = nodes.get(open.remove());
      if (!node.needed) {
        node.needed = true;
        open.addAll(node.inputs);
        open.addAll(node.after);
      }
    }
    for (int i = 0; i < nodes.size(); i++) {
      Node node = nodes.get(i);
      if (node.needed) {
        measure(node);
        link(node, i);
      }
    }
  }

  private static int number(Map<String, Integer> numbers, String name) {
    return Objects.requireNonNull(numbers.get(name), name);
  }

  private void measure(Node node) {
    int outputs = node.operation.numOutputs();
    node.bytes = new long[outputs];
    node.uses = new int[outputs];
    node.buffers = new int[outputs];
    Arrays.fill(node.buffers, NONE);
    long all = 0;
    for (int o = 0; o < outputs; o++) {
      node.bytes[o] = bytes(node.operation.output(o));
      all += node.bytes[o];
    }
    boolean computed =
        !node.inputs.isEmpty() && node.inputs.stream().allMatch(i -> nodes.get(i).constant);
    node.constant =
        node.type().equals("Const")
            || SHAPES.contains(node.type())
            || (computed && all <= LARGEST_CONSTANT && !node.type().startsWith("Apply"));
  }

  private static long bytes(Output<?> output) {
    Shape shape = output.shape();
    if (shape.isUnknown() || shape.hasUnknownDimension()) {
      return 0; // of operations on shapes
    }
    return shape.size() * width(output.dataType());
  }

  private static int width(DataType type) {
    return switch (type) {
      case DT_DOUBLE, DT_INT64, DT_UINT64 -> Long.BYTES;
      case DT_BFLOAT16, DT_HALF, DT_INT16 -> Short.BYTES;
      case DT_BOOL, DT_INT8, DT_UINT8 -> 1;
      default -> Float.BYTES;
    };
  }

  private void link(Node node, int number) {
    if (node.constant) {
      return;
    }
    for (int i = 0; i < node.inputs.size(); i++) {
      Node source = nodes.get(node.inputs.get(i));
      if (!source.constant) {
        source.uses[node.ports.get(i)]++;
        source.followers.add(number);
        node.pending++;
      }
    }
    for (int before : node.after) {
      if (!nodes.get(before).constant) {
        nodes.get(before).followers.add(number);
        node.pending++;
      }
    }
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
    if (!RESIDENT.contains(node.type())) {
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
