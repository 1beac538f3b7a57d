package dev.linformer.export;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Writes a signature as a graph model of TensorFlow.js: model.json with the graph, whose constants'
 * values are in the files beside it. JavaScript has no int64 and no float64, so these become int32
 * and float32.
 */
final class TfjsModel {

  /** Browsers keep files of this size. */
  private static final int SHARD = 4 << 20;

  private static final ObjectMapper JSON = new ObjectMapper();

  private TfjsModel() {}

  /**
   * @throws InvalidInputException if the weights are of a type that TensorFlow.js doesn't have
   */
  static void requireKnown(ServingGraph serving) {
    if (serving.options().precision() == StoragePrecision.BFLOAT16) {
      throw new InvalidInputException(
          "tfjs: TensorFlow.js has no bfloat16; export it with precision float32");
    }
  }

  static void write(ServingGraph serving, Path folder) throws IOException {
    for (ServingSignature signature : serving.signatures()) {
      write(serving, signature, Files.createDirectories(folder.resolve(signature.name())));
    }
  }

  private static void write(ServingGraph serving, ServingSignature signature, Path folder)
      throws IOException {
    GraphDef frozen = FrozenGraph.of(serving, SavedModelFile.roots(List.of(signature)));
    ObjectNode json = JSON.createObjectNode();
    json.put("format", "graph-model");
    json.put("generatedBy", "linformer " + Library.version());
    json.put("convertedBy", "linformer " + Library.version());
    json.set("signature", signature(signature.toProto()));
    ObjectNode topology = json.putObject("modelTopology");
    topology
        .putObject("versions")
        .put("producer", frozen.getVersions().getProducer())
        .put("minConsumer", frozen.getVersions().getMinConsumer());
    ArrayNode nodes = topology.putArray("node");
    ArrayNode weights = JSON.createArrayNode();
    List<ByteString> values = new ArrayList<>();
    for (NodeDef node : frozen.getNodeList()) {
      nodes.add(node(node));
      if (node.getOp().equals("Const")) {
        TensorProto tensor = narrowed(node.getAttrOrThrow("value").getTensor());
        ObjectNode weight = weights.addObject().put("name", node.getName());
        ArrayNode shape = weight.putArray("shape");
        Arrays.stream(Constants.shape(tensor)).forEach(shape::add);
        weight.put("dtype", dtype(tensor.getDtype()));
        values.add(tensor.getTensorContent());
      }
    }
    ObjectNode manifest = json.putArray("weightsManifest").addObject();
    List<String> paths = writeShards(ByteString.copyFrom(values), folder);
    ArrayNode names = manifest.putArray("paths");
    paths.forEach(names::add);
    manifest.set("weights", weights);
    Files.write(folder.resolve("model.json"), JSON.writeValueAsBytes(json));
  }

  private static List<String> writeShards(ByteString all, Path folder) throws IOException {
    int shards = Math.max(1, (all.size() + SHARD - 1) / SHARD);
    List<String> paths = new ArrayList<>();
    for (int i = 0; i < shards; i++) {
      String path = "group1-shard%sof%s.bin".formatted(i + 1, shards);
      try (OutputStream out = Files.newOutputStream(folder.resolve(path))) {
        all.substring(i * SHARD, Math.min(all.size(), (i + 1) * SHARD)).writeTo(out);
      }
      paths.add(path);
    }
    return paths;
  }

  private static ObjectNode signature(SignatureDef signature) {
    ObjectNode json = JSON.createObjectNode();
    ObjectNode inputs = json.putObject("inputs");
    signature.getInputsMap().forEach((name, info) -> inputs.set(name, info(info)));
    ObjectNode outputs = json.putObject("outputs");
    signature.getOutputsMap().forEach((name, info) -> outputs.set(name, info(info)));
    return json;
  }

  private static ObjectNode info(TensorInfo info) {
    ObjectNode json = JSON.createObjectNode();
    json.put("name", info.getName()).put("dtype", narrow(info.getDtype()).name());
    json.set("tensorShape", shape(info.getTensorShape()));
    return json;
  }

  private static ObjectNode shape(TensorShapeProto shape) {
    ObjectNode json = JSON.createObjectNode();
    ArrayNode sizes = json.putArray("dim");
    shape
        .getDimList()
        .forEach(size -> sizes.addObject().put("size", Long.toString(size.getSize())));
    return json;
  }

  private static ObjectNode node(NodeDef node) {
    ObjectNode json = JSON.createObjectNode();
    json.put("name", node.getName()).put("op", node.getOp());
    if (node.getInputCount() > 0) {
      ArrayNode inputs = json.putArray("input");
      node.getInputList().forEach(inputs::add);
    }
    ObjectNode attributes = json.putObject("attr");
    new TreeMap<>(node.getAttrMap()) // TensorFlow gives them in any order
        .forEach(
            (name, value) -> {
              ObjectNode each = attributes.putObject(name);
              switch (value.getValueCase()) {
                case TYPE -> each.put("type", narrow(value.getType()).name());
                case B -> each.put("b", value.getB());
                case I -> each.put("i", Long.toString(value.getI()));
                case F -> each.put("f", value.getF());
                case S -> each.put("s", value.getS().toByteArray());
                case TENSOR ->
                    each.putObject("tensor")
                        .put("dtype", narrow(value.getTensor().getDtype()).name())
                        .putObject("tensorShape");
                case SHAPE -> each.set("shape", shape(value.getShape()));
                default -> attributes.remove(name); // lists, which say nothing new
              }
            });
    return json;
  }

  private static DataType narrow(DataType type) {
    return switch (type) {
      case DT_INT64 -> DataType.DT_INT32;
      case DT_DOUBLE -> DataType.DT_FLOAT;
      default -> type;
    };
  }

  private static String dtype(DataType type) {
    return switch (type) {
      case DT_FLOAT -> "float32";
      case DT_INT32 -> "int32";
      case DT_BOOL -> "bool";
      default -> throw new IllegalArgumentException("TensorFlow.js has no " + type);
    };
  }

  /** The same values in the type that JavaScript has, as bytes. */
  private static TensorProto narrowed(TensorProto tensor) {
    ByteString bytes = Constants.bytes(tensor);
    ByteBuffer wide = bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (Set.of(DataType.DT_INT64, DataType.DT_DOUBLE).contains(tensor.getDtype())) {
      ByteBuffer half = ByteBuffer.allocate(bytes.size() / 2).order(ByteOrder.LITTLE_ENDIAN);
      while (wide.hasRemaining()) {
        if (tensor.getDtype() == DataType.DT_INT64) {
          half.putInt(Math.toIntExact(wide.getLong()));
        } else {
          half.putFloat((float) wide.getDouble());
        }
      }
      bytes = ByteString.copyFrom(half.rewind());
    }
    return TensorProto.newBuilder()
        .setDtype(narrow(tensor.getDtype()))
        .setTensorShape(tensor.getTensorShape())
        .setTensorContent(bytes)
        .build();
  }
}
