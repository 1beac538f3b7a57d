package dev.linformer.bench;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;

/**
 * What TensorFlow's executor runs of a graph: the operations that its targets need, without those
 * that are the same as others or that are computed before the run, and who waits for whom.
 */
final class ExecutorGraph {

  /** TensorFlow computes no larger constants before the run. */
  private static final long LARGEST_CONSTANT = 10L << 20;

  /** Variables and what is fed are there before; an update is in place. */
  private static final Set<String> RESIDENT =
      Set.of("Const", "Placeholder", "VariableV2", "Variable", "ApplyGradientDescent", "NoOp");

  private static final Set<String> SHAPES = Set.of("Shape", "ShapeN", "Size", "Rank");

  /** A node with what it needs and who needs it, by number. */
  static final class Node {
    final NodeDef definition;
    final GraphOperation operation;
    final List<Integer> inputs = new ArrayList<>(); // nodes, by data edge
    final List<Integer> ports = new ArrayList<>(); // their outputs
    final List<Integer> after = new ArrayList<>(); // nodes, by control edge
    final List<Integer> followers = new ArrayList<>(); // nodes, an entry an edge
    int[] uses = {}; // consuming edges of each output
    long[] bytes = {}; // of each output
    boolean needed; // for what is run
    boolean constant; // computed before the run
    int pending; // edges that are waited for
    int[] buffers = {}; // of each output, by number

    Node(NodeDef definition, GraphOperation operation) {
      this.definition = definition;
      this.operation = operation;
    }

    String type() {
      return definition.getOp();
    }

    /** Whether its outputs are there before the run, or it has none. */
    boolean isResident() {
      return RESIDENT.contains(type());
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

  private ExecutorGraph() {}

  /**
   * The nodes of a graph in the order in which they were added; those that are needed are linked.
   *
   * @param targets what is run
   */
  static List<Node> read(Graph graph, List<? extends Op> targets) {
    ExecutorGraph executed = new ExecutorGraph();
    executed.build(graph, targets);
    return executed.nodes;
  }

  private void build(Graph graph, List<? extends Op> targets) {
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
      if (!node.isResident() || node.type().equals("Const")) {
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
}
