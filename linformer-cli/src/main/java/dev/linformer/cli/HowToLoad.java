package dev.linformer.cli;

import java.nio.file.Path;

/** How a SavedModel is loaded elsewhere. */
final class HowToLoad {

  private HowToLoad() {}

  static String text(Path savedModel) {
    return """
        SavedModel: %1$s
          Python:  model = tf.saved_model.load("%1$s").signatures["serving_default"]
          Java:    var model = ExportedLinformer.load(Path.of("%1$s"));"""
        .formatted(savedModel);
  }
}
