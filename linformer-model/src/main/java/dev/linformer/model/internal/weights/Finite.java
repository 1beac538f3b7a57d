package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import java.nio.file.Path;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/** Weights are numbers: one that is NaN or infinite makes every output of its model so. */
public final class Finite {

  private Finite() {}

  /**
   * Refuses values that are no numbers.
   *
   * @param file where they come from, or are to go
   * @param name of the weight
   * @param values as float32, in which they are used
   * @throws InvalidInputException if one is NaN or infinite
   */
  public static void require(Path file, String name, FloatDataBuffer values) {
    for (long i = 0; i < values.size(); i++) {
      float value = values.getFloat(i);
      if (!Float.isFinite(value)) {
        throw new InvalidInputException(
            "%s: the weight %s has the value %s at index %s, so the model computes no numbers; take weights from before the training diverged, such as an older checkpoint's"
                .formatted(file, name, value, i));
      }
    }
  }
}
