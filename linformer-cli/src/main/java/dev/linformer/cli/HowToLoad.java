package dev.linformer.cli;

import dev.linformer.export.ExportFormat;
import dev.linformer.model.Printable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** How an export is loaded elsewhere. */
final class HowToLoad {

  private HowToLoad() {}

  static String text(Path folder, Set<ExportFormat> formats) {
    Path version = Path.of(Printable.of(folder.toString()));
    List<String> lines = new ArrayList<>();
    for (ExportFormat format : formats) {
      lines.add(
          switch (format) {
            case SAVEDMODEL ->
                """
                SavedModel: %1$s
                  Python:  model = tf.saved_model.load("%1$s").signatures["serving_default"]
                  Java:    var model = ExportedLinformer.load(Path.of("%1$s"));"""
                    .formatted(version);
            case FROZEN -> "frozen graph: " + version.resolve("frozen/model.pb");
            case TFLITE_READY ->
                "for TensorFlow Lite: tf.lite.TFLiteConverter.from_saved_model(\"%s\")"
                    .formatted(version.resolve("tflite-ready"));
            case TFJS -> "TensorFlow.js: " + version.resolve("tfjs");
            case ONNX -> "ONNX: " + version.resolve("onnx");
          });
    }
    return String.join("\n", lines);
  }
}
