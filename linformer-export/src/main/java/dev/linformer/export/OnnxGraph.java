package dev.linformer.export;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/** An ONNX graph in the making: nodes by the names of what they give. */
final class OnnxGraph {

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("linformer");
  private int made;

  /** An attribute that is a number. */
  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  /** An attribute that is a list of numbers. */
  static AttributeProto attribute(String name, long[] values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeProto.AttributeType.INTS);
    Arrays.stream(values).forEach(attribute::addInts);
    return attribute.build();
  }

  /** An attribute that is a text. */
  static AttributeProto attribute(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  /** Adds a node whose result has a name. */
  void node(String result, String operator, List<String> inputs, AttributeProto... attributes) {
    graph.addNode(
        NodeProto.newBuilder()
            .setName(result)
            .setOpType(operator)
            .addAllInput(inputs)
            .addOutput(result)
            .addAllAttribute(List.of(attributes)));
  }

  /** Adds a node and gives its result a name. */
  String between(String operator, List<String> inputs, AttributeProto... attributes) {
    String result = "onnx." + made++;
    node(result, operator, inputs, attributes);
    return result;
  }

  /** A constant list of int64, [values]. */
  String numbers(long... values) {
    return constant(new long[] {values.length}, values);
  }

  /** A constant int64 without axes. */
  String number(long value) {
    return constant(new long[0], new long[] {value});
  }

  private String constant(long[] shape, long[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(values).forEach(bytes::putLong);
    String name = "onnx." + made++;
    constant(name, DataType.DT_INT64, shape, ByteString.copyFrom(bytes.rewind()));
    return name;
  }

  /** A constant with a name. */
  void constant(String name, DataType type, long[] shape, ByteString bytes) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(type(type)).setRawData(bytes);
    Arrays.stream(shape).forEach(tensor::addDims);
    graph.addInitializer(tensor);
  }

  /** ONNX's number for a type. */
  static int type(DataType type) {
    return switch (type) {
      case DT_FLOAT -> TensorProto.DataType.FLOAT.getNumber();
      case DT_DOUBLE -> TensorProto.DataType.DOUBLE.getNumber();
      case DT_INT32 -> TensorProto.DataType.INT32.getNumber();
      case DT_INT64 -> TensorProto.DataType.INT64.getNumber();
      case DT_BOOL -> TensorProto.DataType.BOOL.getNumber();
      case DT_BFLOAT16 -> TensorProto.DataType.BFLOAT16.getNumber();
      default -> throw new IllegalArgumentException("no graph of ours has a " + type);
    };
  }

  void input(String name, DataType type, Shape shape) {
    graph.addInput(info(name, type, shape));
  }

  void output(String name, DataType type, Shape shape) {
    graph.addOutput(info(name, type, shape));
  }

  /** The first unknown axis is the batch b, a second one the positions m. */
  private static ValueInfoProto info(String name, DataType type, Shape shape) {
    TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
    long[] all = shape.asArray();
    for (int axis = 0; axis < all.length; axis++) {
      TensorShapeProto.Dimension.Builder size = TensorShapeProto.Dimension.newBuilder();
      if (all[axis] == Shape.UNKNOWN_SIZE) {
        size.setDimParam(axis == 0 ? "b" : name.startsWith("source") ? "s" : "m");
      } else {
        size.setDimValue(all[axis]);
      }
      sizes.addDim(size);
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type(type)).setShape(sizes)))
        .build();
  }

  /** The graph, without the constants that became attributes of nodes. */
  GraphProto build() {
    Set<String> used = new HashSet<>();
    graph.getNodeList().forEach(node -> used.addAll(node.getInputList()));
    List<TensorProto> constants =
        graph.getInitializerList().stream()
            .filter(constant -> used.contains(constant.getName()))
            .toList();
    return graph.clearInitializer().addAllInitializer(constants).build();
  }
}
