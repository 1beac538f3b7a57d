package dev.linformer.export;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.tensorflow.TensorFlow;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;

/**
 * A graph that computes the same in fewer nodes and bytes: equal nodes once, so that signatures
 * share what they have in common; a reshape of a reshape as one; no attribute that TensorFlow's own
 * definition of the operation has as its default; names of a few letters.
 */
final class CompactGraph {

  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  private static final String SIGNS = LETTERS + "0123456789";

  private final Map<String, Map<String, AttrValue>> defaults = new HashMap<>();
  private final Set<String> stateful = new HashSet<>();
  private final Map<NodeDef, String> first = new HashMap<>();
  private final Map<String, String> same = new HashMap<>();
  private final Map<String, String> reshaped = new HashMap<>();

  private CompactGraph() {
    for (OpDef op : TensorFlow.registeredOpList().getOpList()) {
      Map<String, AttrValue> values = new HashMap<>();
      op.getAttrList().stream()
          .filter(OpDef.AttrDef::hasDefaultValue)
          .forEach(attribute -> values.put(attribute.getName(), attribute.getDefaultValue()));
      defaults.put(op.getName(), values);
      if (op.getIsStateful()) {
        stateful.add(op.getName());
      }
    }
  }

  /**
   * @param graph every input before its use
   * @param kept names that others know; only these nodes and what they need are left
   */
  static GraphDef of(GraphDef graph, Collection<String> kept) {
    CompactGraph compact = new CompactGraph();
    GraphDef.Builder fewer = graph.toBuilder().clearNode();
    for (NodeDef node : GraphDefs.prune(graph, kept).getNodeList()) {
      NodeDef smaller = compact.smaller(node);
      if (kept.contains(node.getName()) || !compact.hasTwin(smaller)) {
        fewer.addNode(smaller);
      }
    }
    // Reshapes that nobody takes any more are left behind.
    return shortNames(GraphDefs.prune(fewer.build(), kept), kept);
  }

  private NodeDef smaller(NodeDef node) {
    NodeDef.Builder smaller = node.toBuilder();
    for (int i = 0; i < node.getInputCount(); i++) {
      smaller.setInput(
          i, GraphDefs.renamed(node.getInput(i), name -> same.getOrDefault(name, name)));
    }
    if (node.getOp().equals("Reshape")) {
      smaller.setInput(0, reshaped.getOrDefault(smaller.getInput(0), smaller.getInput(0)));
      if (node.getInputList().stream().noneMatch(input -> input.startsWith("^"))) {
        reshaped.put(node.getName(), smaller.getInput(0)); // nothing waits for it but its input
      }
    }
    defaults
        .getOrDefault(node.getOp(), Map.of())
        .forEach(
            (name, value) -> {
              if (value.equals(node.getAttrMap().get(name))) {
                smaller.removeAttr(name);
              }
            });
    return smaller.build();
  }

  /** Whether an equal node was there before, which is then used in the place of this one. */
  private boolean hasTwin(NodeDef node) {
    if (stateful.contains(node.getOp()) || node.getOp().equals("Placeholder")) {
      return false;
    }
    String twin = first.putIfAbsent(node.toBuilder().clearName().build(), node.getName());
    if (twin == null) {
      return false;
    }
    same.put(node.getName(), twin);
    return true;
  }

  private static GraphDef shortNames(GraphDef graph, Collection<String> kept) {
    Map<String, String> names = new HashMap<>();
    int number = 0;
    for (NodeDef node : graph.getNodeList()) {
      if (!kept.contains(node.getName())) {
        String next = letters(number++);
        while (kept.contains(next)) {
          next = letters(number++);
        }
        names.put(node.getName(), next);
      }
    }
    GraphDef.Builder renamed = graph.toBuilder().clearNode();
    for (NodeDef node : graph.getNodeList()) {
      NodeDef.Builder other =
          node.toBuilder().setName(names.getOrDefault(node.getName(), node.getName()));
      for (int i = 0; i < node.getInputCount(); i++) {
        other.setInput(
            i, GraphDefs.renamed(node.getInput(i), name -> names.getOrDefault(name, name)));
      }
      renamed.addNode(other);
    }
    return renamed.build();
  }

  /** a … Z, then two signs, and so on. */
  private static String letters(int number) {
    StringBuilder name = new StringBuilder();
    name.append(LETTERS.charAt(number % LETTERS.length()));
    for (int rest = number / LETTERS.length(); rest > 0; rest = (rest - 1) / SIGNS.length()) {
      name.append(SIGNS.charAt((rest - 1) % SIGNS.length()));
    }
    return name.toString();
  }
}
