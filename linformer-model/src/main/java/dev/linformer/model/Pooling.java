package dev.linformer.model;

/** How a classifier makes one vector of a sequence. */
public enum Pooling {
  /** The mean over the real positions; over all, if there is no mask. */
  MEAN,
  /** The vector of the first real position: with padding in front it is not that of position 0. */
  FIRST
}
