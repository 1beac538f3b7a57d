package dev.linformer.model;

/** How a classifier makes one vector of a sequence. */
public enum Pooling {
  /** The mean over all positions. */
  MEAN,
  /** The vector of the first position. */
  FIRST
}
