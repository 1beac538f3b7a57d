package dev.linformer.export;

import com.google.protobuf.ByteString;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** What can be done to a graph as a protocol buffer. */
final class GraphDefs {

  private static final AttrValue FALSE = AttrValue.newBuilder().setB(false).build();
  private static final AttrValue TRUE = AttrValue.newBuilder().setB(true).build();
  private static final AttrValue EMPTY = AttrValue.newBuilder().setS(ByteString.EMPTY).build();

  /** What attributes of our operations are unless they are written. */
  private static final Map<String, AttrValue> DEFAULTS =
      Map.ofEntries(
          Map.entry("transpose_a", FALSE),
          Map.entry("transpose_b", FALSE),
          Map.entry("adj_x", FALSE),
          Map.entry("adj_y", FALSE),
          Map.entry("grad_a", FALSE),
          Map.entry("grad_b", FALSE),
          Map.entry("grad_x", FALSE),
          Map.entry("grad_y", FALSE),
          Map.entry("keep_dims", FALSE),
          Map.entry("validate_shape", TRUE),
          Map.entry("use_locking", TRUE),
          Map.entry("container", EMPTY),
          Map.entry("shared_name", EMPTY));

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

  /**
   * The same graph in fewer bytes: equal constants once, and no attribute that says what TensorFlow
   * takes for granted.
   *
   * @param kept nodes that stay as they are, since others know their names
   */
  static GraphDef compact(GraphDef graph, Collection<String> kept) {
    Map<Map<String, AttrValue>, String> first = new HashMap<>();
    Map<String, String> same = new HashMap<>();
    GraphDef.Builder compact = graph.toBuilder().clearNode();
    for (NodeDef node : graph.getNodeList()) {
      if (node.getOp().equals("Const") && !kept.contains(node.getName())) {
        String equal = first.putIfAbsent(node.getAttrMap(), node.getName());
        if (equal != null) {
          same.put(node.getName(), equal);
          continue;
        }
      }
      NodeDef.Builder smaller = node.toBuilder();
      for (int i = 0; i < node.getInputCount(); i++) {
        smaller.setInput(i, same.getOrDefault(node.getInput(i), node.getInput(i)));
      }
      node.getAttrMap()
          .forEach(
              (name, value) -> {
                if (value.equals(DEFAULTS.get(name))) {
                  smaller.removeAttr(name);
                }
              });
      compact.addNode(smaller);
    }
    return compact.build();
  }

  /** The node that an input comes from: {@code x}, {@code x:1} or {@code ^x}. */
  static String nodeOf(String input) {
    String name = input.startsWith("^") ? input.substring(1) : input;
    int colon = name.indexOf(':');
    return colon < 0 ? name : name.substring(0, colon);
  }
}
