package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.Named;

/** The functions that an export can have. */
public enum SignatureName {
  /** The model: logits, or an encoder's encodings. */
  SERVING_DEFAULT,
  /** What the logits are made of; an encoder's encodings. */
  EMBEDDINGS,
  /** P̄ of the chosen layers, [b,h,n,k] each. */
  ATTENTION,
  /** A source as a decoder's layers attend to it, for {@link #DECODE}. */
  ENCODE,
  /** One token more of a causal language model or decoder, with its state. */
  DECODE;

  /** The key of the signature. */
  public String key() {
    return Named.key(this);
  }

  /**
   * The signature of a key.
   *
   * @param key such as {@code serving_default}
   * @throws InvalidInputException if there is none of that name; it lists those there are
   */
  public static SignatureName of(String key) {
    return Named.parse("signature", SignatureName.class, key);
  }
}
