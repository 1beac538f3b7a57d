package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.Named;
import java.util.Locale;

/** What an export can be written as. */
public enum ExportFormat implements Named {
  /** saved_model.pb, variables/ and assets.extra/: any TensorFlow, TensorFlow Serving, DJL. */
  SAVEDMODEL,
  /** frozen/model.pb: one GraphDef with the weights in it. */
  FROZEN,
  /** tflite-ready/: a SavedModel with the weights in its graph, for TensorFlow Lite's converter. */
  TFLITE_READY,
  /** tfjs/SIGNATURE/model.json and weights: graph models of TensorFlow.js. */
  TFJS,
  /** onnx/SIGNATURE.onnx, opset 17. */
  ONNX;

  /** The name on the command line. */
  @Override
  public String key() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The format of a name.
   *
   * @param key such as {@code tflite-ready}
   * @throws InvalidInputException if there is none of that name; it lists those there are
   */
  public static ExportFormat of(String key) {
    return Named.parse("format", ExportFormat.class, key);
  }
}
