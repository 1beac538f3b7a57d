package dev.linformer.ops.gradient;

import dev.linformer.ops.internal.kernel.GpuKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.op.Scope;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/** Operations of one graph, ready to be added to another any number of times. */
final class GraphCopy {

  private static final Map<String, OpDef> DEFINITIONS = new HashMap<>();

  static {
    for (OpDef definition : TensorFlow.registeredOpList().getOpList()) {
      DEFINITIONS.put(definition.getName(), definition);
    }
  }

  private final List<NodeDef> nodes;

  /** An output of a node by its place, as an input of another names it. */
  private record Source(String node, int output) {
    static Source parse(String input) {
      int colon = input.lastIndexOf(':');
      return colon < 0
          ? new Source(input, 0)
          : new Source(input.substring(0, colon), Integer.parseInt(input.substring(colon + 1)));
    }
  }

  /**
   * What {@code outputs} need, up to {@code inputs}.
   *
   * @param graph in an order in which no node comes before what it needs
   * @param inputs names of nodes to be replaced
   * @param outputs names of nodes
   * @throws IllegalArgumentException if a node keeps a state, which a copy would have twice
   */
  GraphCopy(GraphDef graph, Set<String> inputs, Set<String> outputs) {
    Set<String> needed = reachable(graph, outputs, inputs, true);
    nodes =
        graph.getNodeList().stream()
            .filter(node -> needed.contains(node.getName()) && !inputs.contains(node.getName()))
            .toList();
    for (NodeDef node : nodes) {
      if (node.getName().startsWith(Backward.BYSTANDER)) {
        throw new IllegalArgumentException(
            "a recomputed segment uses an operand of shape %s that is not one of its inputs"
                .formatted(shape(node)));
      }
      if (definition(node).getIsStateful() && !node.getOp().equals(GpuKernel.OPERATION)) {
        throw new IllegalArgumentException(
            "%s (%s) keeps a state and cannot be computed again; use stateless operations, and pass variables and placeholders as inputs"
                .formatted(node.getName(), node.getOp()));
      }
    }
  }

  /**
   * Names of the nodes that {@code from} need, themselves included, not going past {@code ends}.
   */
  static Set<String> reachable(
      GraphDef graph, Set<String> from, Set<String> ends, boolean controls) {
    Map<String, NodeDef> byName = new HashMap<>();
    graph.getNodeList().forEach(node -> byName.put(node.getName(), node));
    Set<String> seen = new HashSet<>(from);
    List<String> open = new ArrayList<>(from);
    while (!open.isEmpty()) {
      String name = open.remove(open.size() - 1);
      if (ends.contains(name)) {
        continue;
      }
      for (String input : Objects.requireNonNull(byName.get(name)).getInputList()) {
        boolean control = input.startsWith("^");
        String source = control ? input.substring(1) : Source.parse(input).node;
        if ((controls || !control) && seen.add(source)) {
          open.add(source);
        }
      }
    }
    return seen;
  }

  private static List<Long> shape(NodeDef node) {
    return node.getAttrOrThrow("shape").getShape().getDimList().stream()
        .map(dim -> dim.getSize())
        .toList();
  }

  private static OpDef definition(NodeDef node) {
    OpDef definition = DEFINITIONS.get(node.getOp());
    if (definition == null) {
      throw new IllegalArgumentException(
          "%s: operations of type %s cannot be computed again"
              .formatted(node.getName(), node.getOp()));
    }
    return definition;
  }

  /** Copies whose outputs can be asked for. */
  interface Copied {

    /** Of the node of this name, also if it was an input. */
    Output<?> output(String name, int index);
  }

  /**
   * Adds the operations to another graph.
   *
   * @param scope of that graph
   * @param prefix of their names, unique in it
   * @param inputs what stands for each input
   */
  Copied into(Scope scope, String prefix, Map<String, Operand<?>> inputs) {
    Map<String, GraphOperation> copies = new LinkedHashMap<>();
    Copied copied =
        (name, index) -> {
          Operand<?> input = inputs.get(name);
          return input != null
              ? input.asOutput()
              : Objects.requireNonNull(copies.get(name)).output(index);
        };
    for (NodeDef node : nodes) {
      String name = prefix + node.getName();
      var builder = scope.env().opBuilder(node.getOp(), name, scope);
      List<Output<?>> sources = new ArrayList<>();
      for (String input : node.getInputList()) {
        if (input.startsWith("^")) {
          builder.addControlInput(copied.output(input.substring(1), 0).op());
        } else {
          Source source = Source.parse(input);
          sources.add(copied.output(source.node, source.output));
        }
      }
      int next = 0;
      for (OpDef.ArgDef argument : definition(node).getInputArgList()) {
        int length = length(node, argument);
        if (length < 0) {
          builder.addInput(sources.get(next++));
        } else {
          builder.addInputList(sources.subList(next, next + length).toArray(new Output<?>[0]));
          next += length;
        }
      }
      // In a fixed order, so that two builds give the same graph.
      new TreeMap<>(node.getAttrMap())
          .forEach(
              (key, value) -> {
                if (!key.startsWith("_")) {
                  builder.setAttr(key, value);
                }
              });
      copies.put(node.getName(), (GraphOperation) builder.build());
    }
    return copied;
  }

  /** How many inputs an argument has, or −1 if it is a single one and no list. */
  private static int length(NodeDef node, OpDef.ArgDef argument) {
    AttrValue none = AttrValue.getDefaultInstance();
    if (!argument.getNumberAttr().isEmpty()) {
      return (int) node.getAttrOrDefault(argument.getNumberAttr(), none).getI();
    }
    return argument.getTypeListAttr().isEmpty()
        ? -1
        : node.getAttrOrDefault(argument.getTypeListAttr(), none).getList().getTypeCount();
  }
}
