package dev.linformer.model;

import dev.linformer.io.internal.Named;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * How a sequence is compressed; paper, section 4. What the rest of the library asks of a way of
 * compressing is answered here, and by {@code ProjectionBank}, which makes its weights: each answer
 * names all constants, so that a new one doesn't compile until all are given.
 */
public enum ProjectionMethod {
  /** A trained matrix with a bias. */
  LEARNABLE,
  /** A convolution with kernel = stride = n/k over the channels of a head. */
  CONVOLUTION,
  /** A fixed random matrix, N(0, 1/k), saved but not trained. */
  NO_PARAMS,
  /** A fixed matrix of cosines, the first k rows of the discrete cosine transform; saved. */
  DCT,
  /** The mean of n/k positions. */
  MEAN_POOL,
  /** The largest of n/k positions, channel by channel. */
  MAX_POOL;

  /** Whether it is a matrix [k,n]; else it makes one position of each window of n/k. */
  public boolean isMatrix() {
    return switch (this) {
      case LEARNABLE, NO_PARAMS, DCT -> true;
      case CONVOLUTION, MEAN_POOL, MAX_POOL -> false;
    };
  }

  /** Whether its weights, if it has any, are trained. */
  public boolean isTrained() {
    return switch (this) {
      case LEARNABLE, CONVOLUTION -> true;
      case NO_PARAMS, DCT, MEAN_POOL, MAX_POOL -> false;
    };
  }

  /** Whether linformer-pytorch has it, under the same key. */
  public boolean isInLinformerPyTorch() {
    return switch (this) {
      case LEARNABLE, CONVOLUTION, NO_PARAMS -> true;
      case DCT, MEAN_POOL, MAX_POOL -> false;
    };
  }

  /** Whether n must be a multiple of k. */
  public boolean windows() {
    return !isMatrix();
  }

  /** Whether it can be cut off at a position, so that no position sees a later one. */
  public boolean allowsCausal() {
    return isMatrix();
  }

  /** Whether it is a matrix that keeps its initial values. */
  public boolean isFixedMatrix() {
    return isMatrix() && !isTrained();
  }

  /** The keys of those that allow causality, for a message. */
  static String causalKeys() {
    String keys =
        Arrays.stream(values())
            .filter(ProjectionMethod::allowsCausal)
            .map(Named::key)
            .collect(Collectors.joining(", "));
    int last = keys.lastIndexOf(", ");
    return keys.substring(0, last) + " or " + keys.substring(last + 2);
  }
}
