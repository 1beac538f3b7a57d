package dev.linformer.export;

import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * A signature, ready to be called.
 *
 * @param inputs what is fed, by name
 * @param outputs what is fetched
 */
record LoadedSignature(
    String name, Map<String, SignatureInput> inputs, List<Manifest.ManifestTensor> outputs) {

  /**
   * An input.
   *
   * @param most the shape with all positions; of other inputs than the model's, their own
   * @param vocabulary tokens, or a position, are below it; 0 for other inputs
   */
  record SignatureInput(Manifest.ManifestTensor entry, Shape most, int vocabulary) {
    boolean isMask() {
      return entry.dtype().equals("bool");
    }
  }
}
