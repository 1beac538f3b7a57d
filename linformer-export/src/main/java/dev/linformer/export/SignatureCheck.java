package dev.linformer.export;

import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.GraphOperation;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * The signatures of a loaded SavedModel. What its manifest says of them has to be in its graph, and
 * to fit its configuration.
 *
 * @param folder for messages
 */
record SignatureCheck(Path folder, Manifest manifest, ModelConfig config, SavedModelBundle bundle) {

  /**
   * The signatures by name, in the manifest's order.
   *
   * @throws dev.linformer.io.InvalidInputException if manifest, graph and configuration contradict
   *     each other
   */
  Map<String, LoadedSignature> signatures() {
    Map<String, LoadedSignature> loaded = new LinkedHashMap<>();
    Map<String, Model.Input> known = inputs(config);
    Map<String, SignatureDef> there = bundle.metaGraphDef().getSignatureDefMap();
    for (String name : manifest.signatures()) {
      SignatureDef found = there.get(name);
      if (found == null) {
        throw Manifest.damaged(folder, "its graph has no signature " + name);
      }
      boolean pass = !name.equals(SignatureName.DECODE.key());
      Map<String, LoadedSignature.SignatureInput> inputs = new LinkedHashMap<>();
      for (Manifest.ManifestTensor entry : manifest.tensors(name, "inputs")) {
        requireSame(entry, found.getInputsMap().get(entry.name()));
        inputs.put(entry.name(), pass ? fromConfig(entry, known) : ofStep(entry));
      }
      List<Manifest.ManifestTensor> outputs = manifest.tensors(name, "outputs");
      outputs.forEach(entry -> requireSame(entry, found.getOutputsMap().get(entry.name())));
      loaded.put(name, new LoadedSignature(name, inputs, outputs));
    }
    return loaded;
  }

  /** What a model of this configuration takes, by name. */
  static Map<String, Model.Input> inputs(ModelConfig config) {
    Map<String, Model.Input> inputs = new LinkedHashMap<>();
    InferenceGraph.inputs(config).forEach(input -> inputs.put(input.name(), input));
    return inputs;
  }

  /** An input of decode. */
  private LoadedSignature.SignatureInput ofStep(Manifest.ManifestTensor entry) {
    LinformerLMConfig decoder =
        DecodeSignature.decoder(config)
            .orElseThrow(
                () ->
                    Manifest.damaged(
                        folder, "its %s has no signature decode".formatted(config.modelType())));
    int below =
        switch (entry.name()) {
          case DecodeSignature.TOKEN -> decoder.vocabularySize();
          case DecodeSignature.POSITION -> decoder.stack().sequenceLength();
          default -> 0;
        };
    return new LoadedSignature.SignatureInput(entry, entry.shape(), below);
  }

  private LoadedSignature.SignatureInput fromConfig(
      Manifest.ManifestTensor entry, Map<String, Model.Input> known) {
    Model.Input input = known.get(entry.name());
    if (input == null) {
      throw Manifest.damaged(
          folder, "its %s takes no input %s".formatted(config.modelType(), entry.name()));
    }
    long[] found = entry.shape().asArray();
    long[] wanted = input.shape().asArray();
    if (!isOf(entry, input.type())) {
      throw Manifest.damaged(
          folder,
          "%s has input %s %s, but its config.json says another type"
              .formatted(SavedModelFile.NAME, entry.name(), entry.dtype()));
    }
    boolean fits = found.length == wanted.length;
    for (int axis = 0; fits && axis < found.length; axis++) {
      fits = found[axis] == wanted[axis] || (axis == 1 && found[axis] == Shape.UNKNOWN_SIZE);
    }
    if (!fits) {
      throw Manifest.damaged(
          folder,
          "%s has input %s %s, but its config.json says %s"
              .formatted(SavedModelFile.NAME, entry.name(), entry.shape(), input.shape()));
    }
    return new LoadedSignature.SignatureInput(entry, input.shape(), input.vocabulary());
  }

  private static boolean isOf(Manifest.ManifestTensor entry, Class<? extends TType> type) {
    return switch (entry.type()) {
      case DT_FLOAT -> type == TFloat32.class;
      case DT_INT32 -> type == TInt32.class;
      case DT_BOOL -> type == TBool.class;
      default -> false; // no model takes others
    };
  }

  /** The graph has what the manifest says. */
  private void requireSame(Manifest.ManifestTensor entry, @Nullable TensorInfo info) {
    boolean same =
        info != null
            && info.getName().equals(entry.node() + ":0")
            && info.getDtype() == entry.type()
            && info.getTensorShape().getDimList().stream()
                .map(each -> each.getSize())
                .toList()
                .equals(Arrays.stream(entry.shape().asArray()).boxed().toList())
            && isInGraph(entry);
    if (!same) {
      throw Manifest.damaged(
          folder,
          "%s has no %s %s %s as %s says"
              .formatted(
                  SavedModelFile.NAME, entry.name(), entry.dtype(), entry.shape(), Manifest.NAME));
    }
  }

  private boolean isInGraph(Manifest.ManifestTensor entry) {
    GraphOperation operation = bundle.graph().operation(entry.node());
    return operation != null
        && operation.numOutputs() > 0
        && operation.output(0).dataType() == entry.type();
  }
}
