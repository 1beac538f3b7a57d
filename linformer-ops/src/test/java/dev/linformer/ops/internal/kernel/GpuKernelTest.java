package dev.linformer.ops.internal.kernel;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.ArabicDigits;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OptimizerOptions;
import org.tensorflow.proto.OptimizerOptions.GlobalJitLevel;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Kernels in graphs, on a machine without a GPU. */
class GpuKernelTest {

  private static final GpuKernel.Argument X =
      new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(19));
  private static final GpuKernel.Argument Y =
      new GpuKernel.Argument(DataType.DT_BFLOAT16, Shape.of(19));

  private static GpuKernel kernel(List<GpuKernel.Argument> in, List<GpuKernel.Argument> out) {
    return new GpuKernel(
        "exponentials", KernelTextTest.exponentials(19), List.of(2, 3, 5), 4, 3, in, out);
  }

  @Test
  void resultsHaveTheirTypesAndShapes() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.constant(new float[19]);
      var matrix = new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(3, 7));
      GpuKernel kernel = kernel(List.of(X), List.of(Y, matrix));
      List<Output<?>> made = kernel.call(tf, List.of(x));
      assertEquals(2, made.size());
      assertEquals(TBfloat16.class, made.get(0).type());
      assertEquals(Shape.of(19), made.get(0).shape());
      assertEquals(TFloat32.class, made.get(1).type());
      assertEquals(Shape.of(3, 7), made.get(1).shape());
      kernel.call(tf.withSubScope("again"), List.of(x));
      assertEquals(
          List.of("exponentials", "again/exponentials"),
          KernelGraphs.calls(graph).stream().map(NodeDef::getName).toList());
    }
  }

  /** Word by word, the kernel's text inside of a dictionary that is text itself. */
  @Test
  void theModuleThatXlaCompiles() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.constant(new float[19]);
      var matrix = new GpuKernel.Argument(DataType.DT_FLOAT, Shape.of(3, 7));
      kernel(List.of(X), List.of(Y, matrix)).call(tf, List.of(x));
      NodeDef call = KernelGraphs.calls(graph).get(0);
      String once = KernelTextTest.exponentials(19).replace("\n", "\\n");
      String config =
          "{debug = false, grid_x = 2 : i32, grid_y = 3 : i32, grid_z = 5 : i32, ir = \"%s\", name = \"exponentials\", num_stages = 3 : i32, num_warps = 4 : i32}"
              .formatted(once);
      String twice = config.replace("\\", "\\\\").replace("\"", "\\\"");
      assertEquals(
          """
          module @exponentials {
          func.func public @main(%%x0: tensor<19xf32>) -> (tensor<19xbf16>, tensor<3x7xf32>) {
          %%y:2 = stablehlo.custom_call @"__gpu$xla.gpu.triton"(%%x0) {api_version = 3 : i32, backend_config = "%s", operand_layouts = [dense<[0]> : tensor<1xindex>], result_layouts = [dense<[0]> : tensor<1xindex>, dense<[1, 0]> : tensor<2xindex>]} : (tensor<19xf32>) -> (tensor<19xbf16>, tensor<3x7xf32>)
          return %%y#0, %%y#1 : tensor<19xbf16>, tensor<3x7xf32>
          }
          }
          """
              .formatted(twice),
          KernelGraphs.module(call));
      AttrValue.ListValue platforms = call.getAttrOrThrow("platforms").getList();
      assertEquals(1, platforms.getSCount());
      assertEquals("CUDA", platforms.getS(0).toStringUtf8());
      assertEquals(9, call.getAttrOrThrow("version").getI());
    }
  }

  @Test
  void theModuleIsTheSameInEveryLocale() throws Exception {
    assertTrue(
        ArabicDigits.call(
            () -> {
              theModuleThatXlaCompiles();
              return true;
            }));
  }

  @Test
  void otherTypesHaveNoKernels() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var wide = new GpuKernel.Argument(DataType.DT_DOUBLE, Shape.of(19));
      List<Operand<?>> inputs = List.of(tf.constant(new double[19]));
      GpuKernel kernel = kernel(List.of(wide), List.of(Y));
      assertEquals(
          "GpuKernel: no kernel takes DT_DOUBLE",
          assertThrows(IllegalArgumentException.class, () -> kernel.call(tf, inputs)).getMessage());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = GlobalJitLevel.class,
      names = {"OFF", "ON_2"})
  void onACpuARunSaysSo(GlobalJitLevel level) {
    ConfigProto config =
        ConfigProto.newBuilder()
            .setGraphOptions(
                GraphOptions.newBuilder()
                    .setOptimizerOptions(OptimizerOptions.newBuilder().setGlobalJitLevel(level)))
            .build();
    DeviceSpec cpu = DeviceSpec.newBuilder().deviceType(DeviceType.CPU).deviceIndex(0).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph).withDevice(cpu);
      Operand<TFloat32> x = tf.constant(new float[19]);
      Output<?> y = kernel(List.of(X), List.of(Y)).call(tf, List.of(x)).get(0);
      try (Session session = new Session(graph, config)) {
        var refusal =
            assertThrows(TensorFlowException.class, () -> session.runner().fetch(y).run());
        String message = requireNonNull(refusal.getMessage());
        assertTrue(
            message.contains(
                "The current platform CPU is not among the platforms required by the module:"
                    + " [CUDA]"),
            message);
      }
    }
  }
}
