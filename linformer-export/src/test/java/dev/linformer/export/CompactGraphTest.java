package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Split;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

/** Graphs with inputs like {@code x:1} and {@code ^x}, which our models need not have. */
class CompactGraphTest {

  private static final List<String> KEPT = List.of("in", "out");

  /** Splits with twins whose second outputs are used, and a node whose name is in its number. */
  @Test
  void followsOtherOutputsOfANode() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf);
      Operand<TFloat32> first = split(tf, "1", x).output().get(1);
      Operand<TFloat32> twin = split(tf, "twin", x).output().get(1);
      Operand<TFloat32> again =
          tf.reshape(tf.reshape(twin, tf.constant(new int[] {2, 1})), tf.constant(new int[] {2}));
      tf.withName("out").math.add(tf.math.mul(first, tf.constant(3f)), again);
      GraphDef compact = CompactGraph.of(graph.toGraphDef(), KEPT);
      assertEquals(1, count(compact, "Split"));
      assertEquals(1, count(compact, "Reshape"));
      assertArrayEquals(new float[] {12, 16}, run(graph.toGraphDef()));
      assertArrayEquals(new float[] {12, 16}, run(compact));
    }
  }

  /** Who waits for a node that is left out waits for its twin. */
  @Test
  void keepsWhatIsWaitedFor() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = input(tf);
      Op one = tf.withName("aa").math.neg(x);
      Op two = tf.withName("a").math.neg(x);
      Operand<TFloat32> half = split(tf, "half", x).output().get(0);
      Operand<TFloat32> inner =
          tf.withControlDependencies(one, two).reshape(half, tf.constant(new int[] {2, 1}));
      tf.withName("out").reshape(inner, tf.constant(new int[] {2}));
      GraphDef compact = CompactGraph.of(graph.toGraphDef(), KEPT);
      assertEquals(1, count(compact, "Neg"));
      assertEquals(2, count(compact, "Reshape"));
      Set<String> names = new TreeSet<>();
      compact.getNodeList().forEach(node -> names.add(node.getName()));
      long waiting = 0;
      for (NodeDef node : compact.getNodeList()) {
        for (String each : node.getInputList()) {
          assertTrue(names.contains(GraphDefs.nodeOf(each)), each);
          waiting += each.startsWith("^") ? 1 : 0;
        }
      }
      assertTrue(waiting > 0, "nothing is waited for");
      assertArrayEquals(new float[] {1, 2}, run(compact));
    }
  }

  private static Operand<TFloat32> input(Ops tf) {
    return tf.withName("in").placeholder(TFloat32.class, Placeholder.shape(Shape.of(4)));
  }

  private static Split<TFloat32> split(Ops tf, String name, Operand<TFloat32> x) {
    return tf.withName(name).split(tf.constant(0), x, 2L);
  }

  private static long count(GraphDef graph, String op) {
    return graph.getNodeList().stream().filter(node -> node.getOp().equals(op)).count();
  }

  private static float[] run(GraphDef definition) {
    try (Graph graph = new Graph()) {
      graph.importGraphDef(definition);
      try (Session session = new Session(graph);
          TFloat32 x = TFloat32.vectorOf(1, 2, 3, 4);
          Result result = session.runner().feed("in", x).fetch("out").run()) {
        return StdArrays.array1dCopyOf((TFloat32) result.get(0));
      }
    }
  }
}
