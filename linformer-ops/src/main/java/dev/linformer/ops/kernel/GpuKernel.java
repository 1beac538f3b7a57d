package dev.linformer.ops.kernel;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.PartitionedCall;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NameAttrList;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef;
import org.tensorflow.proto.TensorShapeProto;

/**
 * A kernel in a graph: XLA compiles its Triton IR together with the rest of the graph, by way of a
 * custom call that it knows itself. The call stands in a function, since TensorFlow without XLA has
 * no such operation; so a graph with a kernel runs on NVIDIA GPUs with XLA, and nowhere else.
 *
 * @param name what it computes
 * @param text of a module with a kernel of that name, see {@link KernelText}
 * @param grid numbers of programs along three axes
 * @param warps of 32 threads a program
 * @param stages of loads that are ahead of the computation in loops
 * @param arguments types of the inputs
 * @param results the outputs, which come after the inputs in the kernel's arguments
 */
public record GpuKernel(
    String name,
    String text,
    List<Integer> grid,
    int warps,
    int stages,
    List<DataType> arguments,
    List<Result> results) {

  /** What makes TensorFlow compile a call. */
  public static final String MUST_COMPILE = "_XlaMustCompile";

  private static final String TARGET = "__gpu$xla.gpu.triton";

  /** Type and shape of an output. */
  public record Result(DataType type, Shape shape) {}

  /** The name of the function: equal functions have equal names, and only these. */
  private String function() {
    return "%s_%08x_%08x"
        .formatted(name, config().hashCode(), Objects.hash(arguments, results.toString()));
  }

  /** What the custom call is told, a dictionary of MLIR's. */
  private String config() {
    String escaped = text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    return String.format(
        Locale.ROOT,
        "{debug = false, grid_x = %d : i32, grid_y = %d : i32, grid_z = %d : i32, ir = \"%s\", name = \"%s\", num_stages = %d : i32, num_warps = %d : i32}",
        grid.get(0),
        grid.get(1),
        grid.get(2),
        escaped,
        name,
        stages,
        warps);
  }

  /**
   * Makes the kernel known to a graph. Not to be called while gradients are added to it: TensorFlow
   * has locked it then.
   */
  public void attach(Ops tf) {
    Graph graph = (Graph) tf.scope().env();
    graph.importGraphDef(
        GraphDef.newBuilder()
            .setLibrary(FunctionDefLibrary.newBuilder().addFunction(definition()))
            .build());
  }

  private FunctionDef definition() {
    OpDef.Builder signature = OpDef.newBuilder().setName(function());
    NodeDef.Builder call =
        NodeDef.newBuilder()
            .setName("call")
            .setOp("XlaCustomCallV2")
            .putAttr("call_target_name", text(TARGET))
            .putAttr("backend_config", text(config()))
            .putAttr("has_side_effect", AttrValue.newBuilder().setB(false).build())
            .putAttr("operand_dtypes", types(arguments))
            .putAttr("result_dtypes", types(results.stream().map(Result::type).toList()))
            .putAttr("result_shapes", shapes());
    for (int i = 0; i < arguments.size(); i++) {
      signature.addInputArg(OpDef.ArgDef.newBuilder().setName("x" + i).setType(arguments.get(i)));
      call.addInput("x" + i);
    }
    FunctionDef.Builder function = FunctionDef.newBuilder().addNodeDef(call);
    for (int i = 0; i < results.size(); i++) {
      signature.addOutputArg(
          OpDef.ArgDef.newBuilder().setName("y" + i).setType(results.get(i).type));
      function.putRet("y" + i, "call:results:" + i);
    }
    return function
        .setSignature(signature)
        .putAttr("_noinline", AttrValue.newBuilder().setB(!Boolean.getBoolean("inline")).build())
        .build();
  }

  private static AttrValue text(String value) {
    return AttrValue.newBuilder().setS(ByteString.copyFromUtf8(value)).build();
  }

  private static AttrValue types(List<DataType> types) {
    return AttrValue.newBuilder()
        .setList(AttrValue.ListValue.newBuilder().addAllType(types))
        .build();
  }

  private AttrValue shapes() {
    AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
    for (Result result : results) {
      TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
      for (long size : result.shape.asArray()) {
        shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
      }
      list.addShape(shape);
    }
    return AttrValue.newBuilder().setList(list).build();
  }

  /**
   * Calls the kernel, which {@link #attach} has made known to the graph.
   *
   * @return its results; their shapes are known to the kernel only
   */
  public List<Output<?>> call(Ops tf, List<? extends Operand<?>> inputs) {
    var builder =
        tf.scope()
            .env()
            .opBuilder(PartitionedCall.OP_NAME, tf.scope().makeOpName(name), tf.scope());
    builder.addInputList(inputs.stream().map(Operand::asOutput).toArray(Output<?>[]::new));
    builder.setAttr(
        "f", AttrValue.newBuilder().setFunc(NameAttrList.newBuilder().setName(function())).build());
    builder.setAttr("Tout", types(results.stream().map(Result::type).toList()));
    if (!Boolean.getBoolean("nomust"))
      builder.setAttr(MUST_COMPILE, AttrValue.newBuilder().setB(true).build());
    GraphOperation call = (GraphOperation) builder.build();
    List<Output<?>> outputs = new ArrayList<>();
    IntStream.range(0, results.size()).forEach(i -> outputs.add(call.output(i)));
    return outputs;
  }
}
