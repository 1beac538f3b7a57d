package dev.linformer.export;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** What can be done to a graph as a protocol buffer. */
final class GraphDefs {

  private GraphDefs() {}

  /** The nodes that some need, in the order in which they were: every input before its use. */
  static GraphDef prune(GraphDef graph, Collection<String> roots) {
    Map<String, NodeDef> byName = new HashMap<>();
    graph.getNodeList().forEach(node -> byName.put(node.getName(), node));
    Set<String> needed = new HashSet<>();
    Deque<String> open = new ArrayDeque<>(roots);
    while (!open.isEmpty()) {
      String name = open.pop();
      NodeDef node = byName.get(name);
      if (node == null) {
        throw new IllegalArgumentException("the graph has no node " + name);
      }
      if (needed.add(name)) {
        node.getInputList().forEach(input -> open.push(nodeOf(input)));
      }
    }
    GraphDef.Builder pruned = graph.toBuilder().clearNode();
    graph.getNodeList().stream()
        .filter(node -> needed.contains(node.getName()))
        .forEach(pruned::addNode);
    return pruned.build();
  }

  /** The same input of another node: {@code ^x} and {@code x:1} stay what they are. */
  static String renamed(String input, UnaryOperator<String> names) {
    String node = nodeOf(input);
    int start = input.startsWith("^") ? 1 : 0;
    return input.substring(0, start) + names.apply(node) + input.substring(start + node.length());
  }

  /** The node that an input comes from: {@code x}, {@code x:1} or {@code ^x}. */
  static String nodeOf(String input) {
    String name = input.startsWith("^") ? input.substring(1) : input;
    int colon = name.indexOf(':');
    return colon < 0 ? name : name.substring(0, colon);
  }
}
