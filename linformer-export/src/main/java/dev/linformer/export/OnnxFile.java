package dev.linformer.export;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.Output;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** Writes a signature as an ONNX model, whose inputs and outputs are called like the nodes. */
final class OnnxFile {

  private static final long OPSET = 17;

  /** The first version of the format with opset 17. */
  private static final long IR_VERSION = 8;

  private OnnxFile() {}

  /**
   * The signature's part of the graph in ONNX's operations.
   *
   * @throws dev.linformer.io.InvalidInputException naming an operation that ONNX doesn't have
   */
  static ModelProto of(ServingGraph serving, ServingSignature signature) {
    GraphDef frozen = FrozenGraph.of(serving, SavedModelFile.roots(List.of(signature)));
    OnnxGraph onnx = new OnnxGraph();
    for (ServingSignature.NamedOperand input : signature.inputs()) {
      Output<?> output = input.operand().asOutput();
      onnx.input(input.node(), output.dataType(), output.shape());
    }
    for (ServingSignature.NamedOperand tensor : signature.outputs()) {
      Output<?> output = tensor.operand().asOutput();
      onnx.output(tensor.node(), output.dataType(), output.shape());
    }
    OnnxOperators operators = new OnnxOperators(onnx, frozen, serving.graph());
    for (NodeDef node : frozen.getNodeList()) {
      operators.add(node);
    }
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
        .setProducerName("linformer")
        .setProducerVersion(Library.version())
        .setGraph(onnx.build())
        .build();
  }

  static void write(ServingGraph serving, Path folder) throws IOException {
    Files.createDirectories(folder);
    for (ServingSignature signature : serving.signatures()) {
      ProtobufFile.write(of(serving, signature), folder.resolve(signature.name() + ".onnx"));
    }
  }
}
