package dev.linformer.model;

import dev.linformer.io.internal.Named;
import java.util.List;
import java.util.Locale;

/** In what the layers of a stack are computed. Weights and updates are float32 in any case. */
public enum ComputePrecision implements Named {
  /** Everything in the type of the weights. */
  FLOAT32,
  /**
   * Products and what is kept for the backward pass in bfloat16; softmax, GELU and the statistics
   * of norms in float32. Written {@code bf16}; {@code bfloat16} is read too.
   */
  BF16;

  @Override
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public List<String> otherKeys() {
    return this == BF16 ? List.of("bfloat16") : List.of();
  }
}
