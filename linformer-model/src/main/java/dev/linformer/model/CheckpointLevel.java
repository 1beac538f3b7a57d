package dev.linformer.model;

/**
 * How much of a forward pass is computed again in the backward pass instead of being kept. Only
 * {@link #C0} is built so far; the others are known so that they are refused by name.
 */
public enum CheckpointLevel {
  /** Everything is kept. */
  C0,
  /** Each attention and each feed-forward layer is computed again. */
  C1,
  /** Each head too. */
  C2
}
