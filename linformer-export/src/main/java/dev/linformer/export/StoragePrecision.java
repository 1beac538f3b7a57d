package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.Named;

/** How an export stores its weights. All of them compute in float32. */
public enum StoragePrecision {
  /** As they are. */
  FLOAT32,
  /** Rounded to 8 significant bits, in half the bytes, and made float32 where they are read. */
  BFLOAT16;

  /** The name on the command line. */
  public String key() {
    return Named.key(this);
  }

  /**
   * The precision of a name.
   *
   * @throws InvalidInputException if there is none
   */
  public static StoragePrecision of(String key) {
    for (StoragePrecision each : values()) {
      if (each.key().equals(key)) {
        return each;
      }
    }
    throw new InvalidInputException(
        "precision %s, but float32 is expected, or bfloat16 for weights in half the bytes"
            .formatted(key));
  }
}
