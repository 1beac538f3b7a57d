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
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Kernels in graphs, on a machine without a GPU. */
class GpuKernelTest {

  private static GpuKernel kernel(DataType type) {
    return new GpuKernel(
        "exponentials",
        KernelTextTest.exponentials(21),
        List.of(2, 1, 1),
        4,
        List.of(new GpuKernel.Argument(type, Shape.of(21))),
        List.of(new GpuKernel.Argument(DataType.DT_BFLOAT16, Shape.of(7, 3))));
  }

  /** The kernel of 21 values, called. */
  private static List<Output<?>> call(Ops tf) {
    Operand<TFloat32> x = tf.constant(new float[21]);
    return kernel(DataType.DT_FLOAT).call(tf, List.of(x));
  }

  @Test
  void resultsHaveTypesAndShapes() {
    try (Graph graph = new Graph()) {
      List<Output<?>> made = call(Ops.create(graph));
      assertEquals(1, made.size());
      assertEquals(TBfloat16.class, made.get(0).type());
      assertEquals(Shape.of(7, 3), made.get(0).shape());
    }
  }

  private static String quoted(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  @Test
  void theModuleThatXlaSees() {
    try (Graph graph = new Graph()) {
      call(Ops.create(graph));
      NodeDef node =
          graph.toGraphDef().getNodeList().stream()
              .filter(each -> each.getOp().equals(GpuKernel.OPERATION))
              .findFirst()
              .orElseThrow();
      assertEquals("exponentials", node.getName());
      assertEquals("CUDA", node.getAttrOrThrow("platforms").getList().getS(0).toStringUtf8());
      String config =
          "{debug = false, grid_x = 2 : i32, grid_y = 1 : i32, grid_z = 1 : i32, ir = \"%s\", name = \"exponentials\", num_stages = 1 : i32, num_warps = 4 : i32}"
              .formatted(quoted(KernelTextTest.exponentials(21)));
      assertEquals(
          """
          module @exponentials {
          func.func public @main(%%x0: tensor<21xf32>) -> (tensor<7x3xbf16>) {
          %%y:1 = stablehlo.custom_call @"__gpu$xla.gpu.triton"(%%x0) {api_version = 3 : i32, backend_config = "%s", operand_layouts = [dense<[0]> : tensor<1xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>]} : (tensor<21xf32>) -> (tensor<7x3xbf16>)
          return %%y#0 : tensor<7x3xbf16>
          }
          }
          """
              .formatted(quoted(config)),
          node.getAttrOrThrow("module").getS().toStringUtf8());
    }
  }

  @Test
  void typesThatNoKernelTakes() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      GpuKernel kernel = kernel(DataType.DT_DOUBLE);
      assertEquals(
          "GpuKernel: no kernel takes DT_DOUBLE",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> kernel.call(tf, List.of(tf.constant(new double[21]))))
              .getMessage());
    }
  }

  @Test
  void onACpuARunSaysSo() {
    try (Graph graph = new Graph()) {
      DeviceSpec cpu = DeviceSpec.newBuilder().deviceType(DeviceType.CPU).deviceIndex(0).build();
      Output<?> y = call(Ops.create(graph).withDevice(cpu)).get(0);
      try (Session session = new Session(graph)) {
        var refusal =
            assertThrows(TensorFlowException.class, () -> session.runner().fetch(y).run());
        String message = requireNonNull(refusal.getMessage());
        assertTrue(
            message.contains("CPU is not among the platforms required by the module: [CUDA]"),
            message);
      }
    }
  }
}
