package dev.linformer.export;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;

/** How an export is loaded elsewhere, and called with all that it takes. */
final class HowToLoad {

  private HowToLoad() {}

  /**
   * Lines for people.
   *
   * @param version its folder, as it may stand in a line
   * @param options what was exported, {@link ExportOptions#resolved}
   */
  static String text(String version, ModelConfig config, ExportOptions options) {
    List<String> lines = new ArrayList<>();
    for (ExportFormat format : options.formats()) {
      lines.add(
          switch (format) {
            case SAVEDMODEL -> savedModel(version, config, options);
            case FROZEN -> "frozen graph: %s/frozen/model.pb".formatted(version);
            case TFLITE_READY ->
                "for TensorFlow Lite: tf.lite.TFLiteConverter.from_saved_model(\"%s/tflite-ready\")"
                    .formatted(version);
            case TFJS -> "TensorFlow.js: %s/tfjs".formatted(version);
            case ONNX -> "ONNX: %s/onnx".formatted(version);
          });
    }
    return String.join("\n", lines);
  }

  private static String savedModel(String version, ModelConfig config, ExportOptions options) {
    boolean whole =
        options.signatures().isEmpty()
            || options.signatures().contains(SignatureName.SERVING_DEFAULT);
    return """
        SavedModel: %1$s
          Python:  model = tf.saved_model.load("%1$s").signatures["serving_default"]%2$s
          Java:    var model = ExportedLinformer.load(Path.of("%1$s"));%3$s"""
        .formatted(
            version, whole ? inPython(config, options.lengths()) : "", whole ? inJava(config) : "");
  }

  /** A call with every input by its name. */
  private static String inPython(ModelConfig config, Lengths lengths) {
    List<Model.Input> inputs =
        inputs(config).stream()
            .filter(input -> !input.optional() || lengths != Lengths.FIXED)
            .toList();
    String call =
        inputs.stream()
            .map(input -> "%1$s=%1$s".formatted(input.name()))
            .collect(Collectors.joining(", ", "model(", ")"));
    String shapes =
        inputs.stream().map(input -> described(input, lengths)).collect(Collectors.joining(", "));
    return "\n           %s[\"%s\"]  # %s".formatted(call, outputName(config), shapes);
  }

  private static String described(Model.Input input, Lengths lengths) {
    String type =
        input.type() == TBool.class ? "bool" : input.type() == TFloat32.class ? "float32" : "int32";
    String shape = input.shape().toString().replace("-1", "b").replace(" ", "");
    String open =
        lengths == Lengths.ANY
            ? shape.replaceFirst(",\\d+", ",m") + ", m at most " + input.shape().get(1)
            : shape;
    return "%s %s %s%s"
        .formatted(input.name(), type, open, type.equals("bool") ? ", true at real positions" : "");
  }

  /** What takes sequences of tokens makes padding and masks by itself. */
  private static String inJava(ModelConfig config) {
    List<Model.Input> inputs = inputs(config);
    boolean tokensAlone =
        inputs.get(0).vocabulary() > 0
            && inputs.stream().filter(input -> !input.optional()).count() == 1;
    return tokensAlone
        ? "\n           model.logits(sequences) // int[][], a row for each sequence"
        : "";
  }

  private static List<Model.Input> inputs(ModelConfig config) {
    try (Graph graph = new Graph()) {
      return declared(graph, config).inputs();
    }
  }

  private static String outputName(ModelConfig config) {
    try (Graph graph = new Graph()) {
      return declared(graph, config).outputName();
    }
  }

  private static Model<TFloat32> declared(Graph graph, ModelConfig config) {
    return config.declare(Variables.toBeLoaded(Ops.create(graph), TFloat32.class));
  }
}
