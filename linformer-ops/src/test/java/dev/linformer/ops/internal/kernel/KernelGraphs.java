package dev.linformer.ops.internal.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.family.TFloating;

/** What graphs with kernels are made of, and what can be said of them without running them. */
public final class KernelGraphs {

  private KernelGraphs() {}

  /** Something that is fed. */
  public static <T extends TFloating> Operand<T> input(Ops tf, Class<T> type, long... sizes) {
    return tf.placeholder(type, Placeholder.shape(Shape.of(sizes)));
  }

  /** Operations of a kind, in the order in which they were added. */
  public static List<NodeDef> operations(Graph graph, String kind) {
    return graph.toGraphDef().getNodeList().stream()
        .filter(node -> node.getOp().equals(kind))
        .toList();
  }

  /** The kernels. */
  public static List<NodeDef> calls(Graph graph) {
    return operations(graph, GpuKernel.OPERATION);
  }

  /** A kernel as XLA reads it. */
  public static String module(NodeDef call) {
    return call.getAttrOrThrow("module").getS().toStringUtf8();
  }

  /** Of the sum of all that is in y. */
  public static <T extends TFloating> Gradients gradients(
      Ops tf, Operand<T> y, List<Operand<T>> x) {
    int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
    return tf.gradients(tf.sum(y, tf.constant(axes)), x);
  }

  /** Adds the gradients, which have the shapes and types of what they belong to. */
  public static <T extends TFloating> void gradientsHaveTheInputsShapes(
      Ops tf, Operand<T> y, List<Operand<T>> x) {
    Gradients gradients = gradients(tf, y, x);
    for (int i = 0; i < x.size(); i++) {
      assertEquals(x.get(i).shape(), gradients.dy(i).shape(), "input " + i);
      assertEquals(x.get(i).type(), gradients.dy(i).type(), "input " + i);
    }
  }
}
