package dev.linformer.model;

import dev.linformer.io.internal.Named;

/** How much of a forward pass is computed again in the backward pass instead of being kept. */
public enum CheckpointLevel implements Named {
  /** Everything is kept. */
  C0,
  /** Each attention and each feed-forward layer is computed again. */
  C1,
  /** The heads of an attention too, some at a time. */
  C2,
  /** Each attention and each feed-forward layer, some positions at a time. */
  C3;

  @Override
  public String key() {
    return name();
  }
}
