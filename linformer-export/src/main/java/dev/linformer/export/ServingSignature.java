package dev.linformer.export;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;

/**
 * A function of an exported graph.
 *
 * @param name its key, such as serving_default
 * @param inputs all of them must be fed
 * @param outputs in any of which a caller may be interested
 */
record ServingSignature(String name, List<NamedOperand> inputs, List<NamedOperand> outputs) {

  private static final String PREDICT = "tensorflow/serving/predict";

  /**
   * An input or output.
   *
   * @param name in the signature
   * @param operand in the graph; its operation's name is what formats without signatures know
   * @param meaning a phrase for people
   */
  record NamedOperand(String name, Operand<?> operand, String meaning) {

    /** The name of its operation. */
    String node() {
      return operand.asOutput().op().name();
    }
  }

  ServingSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /** What a SavedModel holds of it. */
  SignatureDef toProto() {
    SignatureDef.Builder proto = SignatureDef.newBuilder().setMethodName(PREDICT);
    inputs.forEach(input -> proto.putInputs(input.name, info(input.operand)));
    outputs.forEach(output -> proto.putOutputs(output.name, info(output.operand)));
    return proto.build();
  }

  private static TensorInfo info(Operand<?> operand) {
    Output<?> output = operand.asOutput();
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long size : output.shape().asArray()) {
      shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
    }
    return TensorInfo.newBuilder()
        .setName(output.op().name() + ":" + output.index())
        .setDtype(output.dataType())
        .setTensorShape(shape)
        .build();
  }
}
