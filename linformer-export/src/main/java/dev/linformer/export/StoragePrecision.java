package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.Named;
import java.util.List;
import java.util.Locale;

/** How an export stores its weights. All of them compute in float32. */
public enum StoragePrecision implements Named {
  /** As they are. */
  FLOAT32,
  /**
   * Rounded to 8 significant bits, in half the bytes, and made float32 where they are read. Written
   * {@code bfloat16}; {@code bf16} is read too.
   */
  BFLOAT16;

  /** The name on the command line. */
  @Override
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public List<String> otherKeys() {
    return this == BFLOAT16 ? List.of("bf16") : List.of();
  }

  /**
   * The precision of a name.
   *
   * @param key {@code float32}, {@code bfloat16} or {@code bf16}
   * @throws InvalidInputException if there is none of that name
   */
  public static StoragePrecision of(String key) {
    for (StoragePrecision each : values()) {
      if (each.key().equals(key) || each.otherKeys().contains(key)) {
        return each;
      }
    }
    throw new InvalidInputException(
        "precision %s, but float32 is expected, or bfloat16 for weights in half the bytes"
            .formatted(key));
  }
}
