package dev.linformer.export;

import com.google.protobuf.ByteString;
import dev.linformer.io.InvalidInputException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.buffer.ByteDataBuffer;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** The graph with its variables made constants: one protocol buffer that needs no other file. */
final class FrozenGraph {

  /** A protocol buffer is smaller than 2 GiB; a megabyte is left for the graph itself. */
  private static final long LIMIT = Integer.MAX_VALUE - (1L << 20);

  private FrozenGraph() {}

  /** What the weights take. */
  static long bytes(ServingGraph serving) {
    long each = serving.options().precision() == StoragePrecision.FLOAT32 ? 4 : 2;
    return serving.weights().weights().stream()
        .mapToLong(weight -> each * weight.parameter().shape().size())
        .sum();
  }

  /**
   * @param format named in the refusal
   * @param bytes what the weights take
   * @throws InvalidInputException if they are too large for a protocol buffer
   */
  static void requireSmall(ExportFormat format, long bytes) {
    if (bytes > LIMIT) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: all weights are in one protocol buffer, which is smaller than 2 GiB, but they take %,d bytes; export savedmodel",
              format.key(),
              bytes));
    }
  }

  /** What some nodes need, without variables. */
  static GraphDef of(ServingGraph serving, Collection<String> roots) {
    GraphDef pruned = GraphDefs.prune(serving.graph().toGraphDef(), roots);
    Map<String, NodeDef> constants = new HashMap<>();
    for (ServingWeights.ServedWeight weight : serving.weights().weights()) {
      String name = weight.variable().asOutput().op().name();
      if (pruned.getNodeList().stream().anyMatch(node -> node.getName().equals(name))) {
        try (Result value = serving.session().runner().fetch(name).run()) {
          constants.put(name, constant(name, value.get(0)));
        }
      }
    }
    GraphDef.Builder frozen = pruned.toBuilder().clearNode();
    for (NodeDef node : pruned.getNodeList()) {
      NodeDef constant = constants.get(node.getName());
      frozen.addNode(constant == null ? node : constant);
    }
    return frozen.build();
  }

  private static NodeDef constant(String name, Tensor value) {
    ByteDataBuffer data = value.asRawTensor().data();
    byte[] bytes = new byte[Math.toIntExact(data.size())];
    data.read(bytes);
    DataType type = value.asRawTensor().dataType();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long size : value.shape().asArray()) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDtype(type)
            .setTensorShape(shape)
            .setTensorContent(ByteString.copyFrom(bytes));
    return NodeDef.newBuilder()
        .setName(name)
        .setOp("Const")
        .putAttr("dtype", AttrValue.newBuilder().setType(type).build())
        .putAttr("value", AttrValue.newBuilder().setTensor(tensor).build())
        .build();
  }
}
