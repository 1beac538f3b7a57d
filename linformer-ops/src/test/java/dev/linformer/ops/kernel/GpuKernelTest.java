package dev.linformer.ops.kernel;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Kernels in graphs, on a machine without a GPU. */
class GpuKernelTest {

  private static GpuKernel kernel(int size, int warps) {
    return new GpuKernel(
        "exponentials",
        KernelTextTest.exponentials(size),
        List.of(2, 1, 1),
        warps,
        1,
        List.of(DataType.DT_FLOAT),
        List.of(new GpuKernel.Result(DataType.DT_BFLOAT16, Shape.of(size))));
  }

  private static List<FunctionDef> functions(Graph graph) {
    return graph.toGraphDef().getLibrary().getFunctionList();
  }

  @Test
  void equalKernelsAreOneFunction() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      kernel(19, 4).attach(tf);
      kernel(19, 4).attach(tf);
      assertEquals(1, functions(graph).size());
      kernel(17, 4).attach(tf);
      kernel(17, 8).attach(tf);
      assertEquals(3, functions(graph).size());
      kernel(17, 8).attach(tf);
      assertEquals(3, functions(graph).size());
    }
  }

  @Test
  void theCallThatXlaSees() {
    try (Graph graph = new Graph()) {
      kernel(19, 4).attach(Ops.create(graph));
      FunctionDef function = functions(graph).get(0);
      assertEquals(DataType.DT_FLOAT, function.getSignature().getInputArg(0).getType());
      assertEquals(DataType.DT_BFLOAT16, function.getSignature().getOutputArg(0).getType());
      NodeDef call = function.getNodeDef(0);
      assertEquals("XlaCustomCallV2", call.getOp());
      assertEquals("__gpu$xla.gpu.triton", text(call, "call_target_name"));
      assertEquals(
          19, call.getAttrOrThrow("result_shapes").getList().getShape(0).getDim(0).getSize());
      String config = text(call, "backend_config");
      String escaped = KernelTextTest.exponentials(19).replace("\n", "\\n");
      assertEquals(
          "{debug = false, grid_x = 2 : i32, grid_y = 1 : i32, grid_z = 1 : i32, ir = \"%s\", name = \"exponentials\", num_stages = 1 : i32, num_warps = 4 : i32}"
              .formatted(escaped),
          config);
    }
  }

  private static String text(NodeDef node, String attribute) {
    return node.getAttrOrThrow(attribute).getS().toStringUtf8();
  }

  @Test
  void callsNameTheirFunction() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.constant(new float[19]);
      GpuKernel kernel = kernel(19, 4);
      kernel.attach(tf);
      List<Output<?>> made = kernel.call(tf, List.of(x));
      assertEquals(1, made.size());
      assertEquals(TBfloat16.class, made.get(0).type());
      assertEquals(Shape.of(19), made.get(0).shape());
      NodeDef call =
          graph.toGraphDef().getNodeList().stream()
              .filter(node -> node.getOp().equals("PartitionedCall"))
              .findFirst()
              .orElseThrow();
      assertEquals("exponentials", call.getName());
      AttrValue named = call.getAttrOrThrow("f");
      assertEquals(functions(graph).get(0).getSignature().getName(), named.getFunc().getName());
      assertTrue(call.getAttrOrThrow(GpuKernel.MUST_COMPILE).getB());
    }
  }

  @Test
  void onACpuARunSaysSo() {
    try (Graph graph = new Graph()) {
      DeviceSpec cpu = DeviceSpec.newBuilder().deviceType(DeviceType.CPU).deviceIndex(0).build();
      Ops tf = Ops.create(graph).withDevice(cpu);
      Operand<TFloat32> x = tf.constant(new float[19]);
      GpuKernel kernel = kernel(19, 4);
      kernel.attach(tf);
      Output<?> y = kernel.call(tf, List.of(x)).get(0);
      try (Session session = new Session(graph)) {
        var refusal =
            assertThrows(TensorFlowException.class, () -> session.runner().fetch(y).run());
        String message = requireNonNull(refusal.getMessage());
        assertTrue(
            message.contains("No registered implementation for untyped custom call"), message);
      }
    }
  }
}
