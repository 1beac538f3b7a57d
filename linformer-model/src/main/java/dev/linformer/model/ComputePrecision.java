package dev.linformer.model;

/** In what the layers of a stack are computed. Weights and updates are float32 in any case. */
public enum ComputePrecision {
  /** Everything in the type of the weights. */
  FLOAT32,
  /**
   * Products and what is kept for the backward pass in bfloat16; softmax, GELU and the statistics
   * of norms in float32.
   */
  BF16
}
