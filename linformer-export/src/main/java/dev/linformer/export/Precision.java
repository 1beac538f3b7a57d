package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import java.util.Locale;

/** How an export stores its weights. All of them compute in float32. */
public enum Precision {
  /** As they are. */
  FLOAT32,
  /** Rounded to 8 significant bits, in half the bytes, and made float32 where they are read. */
  BFLOAT16;

  /** The name on the command line. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The precision of a name.
   *
   * @throws InvalidInputException if there is none
   */
  public static Precision of(String key) {
    for (Precision each : values()) {
      if (each.key().equals(key)) {
        return each;
      }
    }
    throw new InvalidInputException(
        "precision %s, but float32 is expected, or bfloat16 for weights in half the bytes"
            .formatted(key));
  }
}
