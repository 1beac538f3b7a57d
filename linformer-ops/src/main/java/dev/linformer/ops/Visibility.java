package dev.linformer.ops;

/** What a position sees of its sequence. */
public enum Visibility {
  /** Every position. */
  ALL,
  /** Itself and what stands before it, nothing after it. */
  CAUSAL,
  /**
   * linformer-pytorch's "causal" mask: position t sees the first t + 1 compressed positions, each
   * of which is a mixture of the whole sequence, so the future leaks. For weights that were trained
   * with it, and nothing else.
   */
  LEAKING_TRIANGLE
}
