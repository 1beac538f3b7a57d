package dev.linformer.export;

import static dev.linformer.export.OnnxGraph.attribute;

import ai.onnx.proto.OnnxMl.AttributeProto;
import dev.linformer.io.InvalidInputException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;

/** TensorFlow's operations in those of ONNX, opset 17. */
final class OnnxOperators {

  private static final long[] LAST = {-1};

  private final OnnxGraph onnx;
  private final Graph shapes;
  private final Map<String, TensorProto> constants = new HashMap<>();

  /**
   * @param onnx what is added to
   * @param frozen whose constants nodes refer to
   * @param shapes the graph that it was made of
   */
  OnnxOperators(OnnxGraph onnx, GraphDef frozen, Graph shapes) {
    this.onnx = onnx;
    this.shapes = shapes;
    for (NodeDef node : frozen.getNodeList()) {
      if (node.getOp().equals("Const")) {
        constants.put(node.getName(), node.getAttrOrThrow("value").getTensor());
      }
    }
  }

  /**
   * Adds a node.
   *
   * @throws InvalidInputException if ONNX has nothing for it
   */
  void add(NodeDef node) {
    String name = node.getName();
    List<String> in =
        node.getInputList().stream()
            .filter(input -> !input.startsWith("^")) // order, where nothing is changed
            .map(GraphDefs::nodeOf)
            .toList();
    switch (node.getOp()) {
      case "Placeholder" -> {} // an input of the graph
      case "Const" -> {
        TensorProto value = node.getAttrOrThrow("value").getTensor();
        onnx.constant(name, value.getDtype(), Constants.shape(value), Constants.bytes(value));
      }
      case "Identity", "Tanh", "Erf", "Relu", "Sigmoid", "Sin", "Cos", "Neg", "Exp", "Sqrt" ->
          onnx.node(name, node.getOp(), in);
      case "Add", "AddV2", "BiasAdd" -> onnx.node(name, "Add", in);
      case "Sub", "Mul", "Range" -> onnx.node(name, node.getOp(), in);
      case "RealDiv", "Div" -> onnx.node(name, "Div", in);
      case "Less" -> onnx.node(name, "Less", in);
      case "GreaterEqual" -> onnx.node(name, "GreaterOrEqual", in);
      case "LogicalAnd" -> onnx.node(name, "And", in);
      case "Maximum" -> onnx.node(name, "Max", in);
      case "Select", "SelectV2" -> onnx.node(name, "Where", in);
      case "Square" -> onnx.node(name, "Mul", List.of(in.get(0), in.get(0)));
      case "Rsqrt" -> onnx.node(name, "Reciprocal", List.of(onnx.between("Sqrt", in)));
      case "DivNoNan" -> divNoNan(name, in, node);
      case "Softmax" -> onnx.node(name, "Softmax", in, attribute("axis", -1));
      case "MatMul" -> matMul(name, in, flag(node, "transpose_a"), flag(node, "transpose_b"));
      case "BatchMatMulV2", "BatchMatMul" ->
          matMul(name, in, flag(node, "adj_x"), flag(node, "adj_y"));
      case "Einsum" ->
          onnx.node(
              name,
              "Einsum",
              in,
              attribute("equation", node.getAttrOrThrow("equation").getS().toStringUtf8()));
      case "Mean" -> reduce(name, "ReduceMean", in, node);
      case "Max" -> reduce(name, "ReduceMax", in, node);
      case "Sum" ->
          onnx.node(
              name,
              "ReduceSum",
              List.of(in.get(0), onnx.numbers(longs(in.get(1)))),
              attribute("keepdims", flag(node, "keep_dims") ? 1 : 0));
      case "Reshape" -> onnx.node(name, "Reshape", List.of(in.get(0), int64(in.get(1))));
      case "Transpose" ->
          onnx.node(name, "Transpose", in.subList(0, 1), attribute("perm", longs(in.get(1))));
      case "ExpandDims" ->
          onnx.node(name, "Unsqueeze", List.of(in.get(0), onnx.numbers(longs(in.get(1)))));
      case "GatherV2" ->
          onnx.node(name, "Gather", in.subList(0, 2), attribute("axis", longs(in.get(2))[0]));
      case "ConcatV2" ->
          onnx.node(
              name,
              "Concat",
              in.subList(0, in.size() - 1),
              attribute("axis", longs(in.get(in.size() - 1))[0]));
      case "Slice" -> slice(name, in);
      case "Pad", "PadV2" -> pad(name, in);
      case "Shape" -> {
        String shape = onnx.between("Shape", in);
        onnx.node(name, "Cast", List.of(shape), to(node, "out_type"));
      }
      case "Cast" -> onnx.node(name, "Cast", in, to(node, "DstT"));
      case "Cumsum" ->
          onnx.node(
              name,
              "CumSum",
              List.of(in.get(0), onnx.number(longs(in.get(1))[0])),
              attribute("exclusive", flag(node, "exclusive") ? 1 : 0),
              attribute("reverse", flag(node, "reverse") ? 1 : 0));
      default ->
          throw new InvalidInputException(
              "onnx: opset 17 has nothing for the operation %s of %s; export savedmodel or frozen"
                  .formatted(node.getOp(), name));
    }
  }

  private static boolean flag(NodeDef node, String name) {
    return node.containsAttr(name) && node.getAttrOrThrow(name).getB();
  }

  private static AttributeProto to(NodeDef node, String name) {
    return attribute("to", OnnxGraph.type(node.getAttrOrThrow(name).getType()));
  }

  /** x/y, and 0 where y is 0. */
  private void divNoNan(String name, List<String> in, NodeDef node) {
    String zero = onnx.between("Cast", List.of(onnx.number(0)), to(node, "T"));
    String isZero = onnx.between("Equal", List.of(in.get(1), zero));
    onnx.node(name, "Where", List.of(isZero, zero, onnx.between("Div", in)));
  }

  private void matMul(String name, List<String> in, boolean turnLeft, boolean turnRight) {
    String left = turnLeft ? turned(in.get(0)) : in.get(0);
    String right = turnRight ? turned(in.get(1)) : in.get(1);
    onnx.node(name, "MatMul", List.of(left, right));
  }

  /** The last two axes exchanged. */
  private String turned(String x) {
    int rank = shapes.operationOrThrow(x).output(0).shape().numDimensions();
    long[] order = IntStream.range(0, rank).asLongStream().toArray();
    order[rank - 1] = rank - 2L;
    order[rank - 2] = rank - 1L;
    return onnx.between("Transpose", List.of(x), attribute("perm", order));
  }

  private void reduce(String name, String operator, List<String> in, NodeDef node) {
    onnx.node(
        name,
        operator,
        in.subList(0, 1),
        attribute("axes", longs(in.get(1))),
        attribute("keepdims", flag(node, "keep_dims") ? 1 : 0));
  }

  /** A size of −1 means up to the end. */
  private void slice(String name, List<String> in) {
    long[] begin = longs(in.get(1));
    String starts = onnx.numbers(begin);
    String ends;
    TensorProto known = constants.get(in.get(2));
    if (known != null) {
      long[] size = Constants.longs(known);
      ends =
          onnx.numbers(
              IntStream.range(0, size.length)
                  .mapToLong(i -> size[i] < 0 ? Long.MAX_VALUE : begin[i] + size[i])
                  .toArray());
    } else {
      String size = int64(in.get(2));
      String open = onnx.between("Less", List.of(size, onnx.number(0)));
      String sum = onnx.between("Add", List.of(starts, size));
      ends = onnx.between("Where", List.of(open, onnx.number(Long.MAX_VALUE), sum));
    }
    onnx.node(name, "Slice", List.of(in.get(0), starts, ends));
  }

  /** TensorFlow has [before, after] an axis; ONNX all before, then all after. */
  private void pad(String name, List<String> in) {
    String turned =
        onnx.between("Transpose", List.of(int64(in.get(1))), attribute("perm", new long[] {1, 0}));
    String flat = onnx.between("Reshape", List.of(turned, onnx.numbers(LAST)));
    onnx.node(
        name,
        "Pad",
        in.size() > 2 ? List.of(in.get(0), flat, in.get(2)) : List.of(in.get(0), flat));
  }

  private String int64(String x) {
    TensorProto known = constants.get(x);
    if (known != null && Constants.shape(known).length == 1) {
      return onnx.numbers(Constants.longs(known));
    }
    return onnx.between("Cast", List.of(x), attribute("to", OnnxGraph.type(DataType.DT_INT64)));
  }

  /** The values of a constant of whole numbers. */
  private long[] longs(String x) {
    @Nullable TensorProto constant = constants.get(x);
    if (constant == null) {
      throw new IllegalStateException(x + " is not a constant");
    }
    return Constants.longs(constant);
  }
}
