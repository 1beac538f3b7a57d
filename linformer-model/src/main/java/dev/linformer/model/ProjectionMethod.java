package dev.linformer.model;

/** How a sequence is compressed; paper, section 4. */
public enum ProjectionMethod {
  /** A trained matrix with a bias. */
  LEARNABLE,
  /** A convolution with kernel = stride = n/k over the channels of a head. */
  CONVOLUTION,
  /** A fixed random matrix, N(0, 1/k), saved but not trained. */
  NO_PARAMS,
  /** The mean of n/k positions. */
  MEAN_POOL,
  /** The largest of n/k positions, channel by channel. */
  MAX_POOL;

  /** Whether n must be a multiple of k. */
  boolean windows() {
    return this == CONVOLUTION || this == MEAN_POOL || this == MAX_POOL;
  }
}
