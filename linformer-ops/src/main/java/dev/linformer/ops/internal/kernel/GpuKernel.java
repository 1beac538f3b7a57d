package dev.linformer.ops.internal.kernel;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * A kernel in a graph. XLA compiles its Triton IR together with the rest of the graph: the kernel
 * stands in a custom call that XLA knows itself, and this in a module of StableHLO, which
 * TensorFlow has an operation for. A graph with a kernel runs on NVIDIA GPUs of compute capability
 * 8 or later, and nowhere else.
 *
 * @param name what it computes
 * @param text of a module with a kernel of that name, see {@link KernelText}
 * @param grid numbers of programs along three axes
 * @param warps of 32 threads a program
 * @param stages 1, or one more than the turns of a loop by which its loads are ahead
 * @param arguments the inputs
 * @param results the outputs, which come after the inputs in the kernel's arguments
 */
public record GpuKernel(
    String name,
    String text,
    List<Integer> grid,
    int warps,
    int stages,
    List<Argument> arguments,
    List<Argument> results) {

  /** The operation's type. It says of itself that it keeps a state; a kernel keeps none. */
  public static final String OPERATION = "XlaCallModule";

  private static final String TARGET = "__gpu$xla.gpu.triton";
  private static final long MODULE_VERSION = 9; // of the operation, that TensorFlow 2.18 makes

  /** Type and shape of an input or an output. */
  public record Argument(DataType type, Shape shape) {

    /** Of a float32 or bfloat16 operand of known shape. */
    public static Argument of(Operand<?> x) {
      DataType type = x.type() == TBfloat16.class ? DataType.DT_BFLOAT16 : DataType.DT_FLOAT;
      return new Argument(type, x.shape());
    }

    /** The type of its values in the kernel's text. */
    public String element() {
      return switch (type) {
        case DT_FLOAT -> "f32";
        case DT_BFLOAT16 -> "bf16";
        default -> throw new IllegalArgumentException("GpuKernel: no kernel takes " + type);
      };
    }

    private String tensor() {
      String sizes =
          IntStream.range(0, shape.numDimensions())
              .mapToObj(axis -> shape.get(axis) + "x")
              .collect(Collectors.joining());
      return "tensor<%s%s>".formatted(sizes, element());
    }

    /** Row by row. */
    private String layout() {
      int rank = shape.numDimensions();
      String order =
          IntStream.range(0, rank)
              .mapToObj(axis -> String.valueOf(rank - 1 - axis))
              .collect(Collectors.joining(", "));
      return "dense<[%s]> : tensor<%sxindex>".formatted(order, rank);
    }
  }

  /** Whether kernels take operands of this type. */
  public static boolean takes(Class<?> type) {
    return type == TFloat32.class || type == TBfloat16.class;
  }

  /** A result, whose type the caller knows. */
  @SuppressWarnings("unchecked")
  public static <T extends TFloating> Operand<T> typed(Output<?> result) {
    return (Operand<T>) result;
  }

  /**
   * Parts that programs have made, added up in float32.
   *
   * @param parts [parts,...], float32
   * @return [...] of the type
   */
  public static Operand<?> sum(Ops tf, Output<?> parts, Class<? extends TFloating> type) {
    Operand<TFloat32> sum = tf.sum(GpuKernel.<TFloat32>typed(parts), tf.constant(0)); // [...]
    return tf.dtypes.cast(sum, type);
  }

  private static String quoted(String text) {
    return "\"%s\""
        .formatted(text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
  }

  /** What the custom call is told, a dictionary of MLIR's. */
  private String config() {
    return String.format(
        Locale.ROOT,
        "{debug = false, grid_x = %d : i32, grid_y = %d : i32, grid_z = %d : i32, ir = %s, name ="
            + " %s, num_stages = %d : i32, num_warps = %d : i32}",
        grid.get(0),
        grid.get(1),
        grid.get(2),
        quoted(text),
        quoted(name),
        stages,
        warps);
  }

  private static String tensors(List<Argument> arguments) {
    return arguments.stream().map(Argument::tensor).collect(Collectors.joining(", "));
  }

  private static String layouts(List<Argument> arguments) {
    return arguments.stream().map(Argument::layout).collect(Collectors.joining(", "));
  }

  private static String names(String pattern, int count) {
    return IntStream.range(0, count).mapToObj(pattern::formatted).collect(Collectors.joining(", "));
  }

  /** The module of StableHLO. */
  private String module() {
    String parameters =
        IntStream.range(0, arguments.size())
            .mapToObj(i -> "%%x%s: %s".formatted(i, arguments.get(i).tensor()))
            .collect(Collectors.joining(", "));
    String types = "(%s) -> (%s)".formatted(tensors(arguments), tensors(results));
    return """
    module @%s {
    func.func public @main(%s) -> (%s) {
    %%y:%s = stablehlo.custom_call @"%s"(%s) {api_version = 3 : i32, backend_config = %s, operand_layouts = [%s], result_layouts = [%s]} : %s
    return %s : %s
    }
    }
    """
        .formatted(
            name,
            parameters,
            tensors(results),
            results.size(),
            TARGET,
            names("%%x%s", arguments.size()),
            quoted(config()),
            layouts(arguments),
            layouts(results),
            types,
            names("%%y#%s", results.size()),
            tensors(results));
  }

  /**
   * Calls the kernel.
   *
   * @param inputs of the types and shapes of {@link #arguments}
   * @return its results
   */
  public List<Output<?>> call(Ops tf, List<? extends Operand<?>> inputs) {
    var builder = tf.scope().env().opBuilder(OPERATION, tf.scope().makeOpName(name), tf.scope());
    builder.addInputList(inputs.stream().map(Operand::asOutput).toArray(Output<?>[]::new));
    builder.setAttr("version", MODULE_VERSION);
    builder.setAttr("module", module());
    AttrValue.ListValue.Builder types = AttrValue.ListValue.newBuilder();
    AttrValue.ListValue.Builder shapes = AttrValue.ListValue.newBuilder();
    for (Argument result : results) {
      types.addType(result.type);
      TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
      for (long size : result.shape.asArray()) {
        shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
      }
      shapes.addShape(shape);
    }
    builder.setAttr("Tout", AttrValue.newBuilder().setList(types).build());
    builder.setAttr("Sout", AttrValue.newBuilder().setList(shapes).build());
    AttrValue.ListValue.Builder platforms =
        AttrValue.ListValue.newBuilder().addS(ByteString.copyFromUtf8("CUDA"));
    builder.setAttr("platforms", AttrValue.newBuilder().setList(platforms).build());
    GraphOperation call = (GraphOperation) builder.build();
    List<Output<?>> outputs = new ArrayList<>();
    IntStream.range(0, results.size()).forEach(i -> outputs.add(call.output(i)));
    return outputs;
  }
}
