package dev.linformer.model.data;

import java.util.Arrays;

/**
 * Sequences of token ids and what is to be predicted of them: a class each, or a token at each
 * position.
 */
public final class Batch {
  /** In the place of a target that does not count. */
  public static final int UNSCORED = -1;

  private final int[] tokens;
  private final int[] targets;
  private final int[] lengths;
  private final int scored;

  /**
   * Keeps the arrays themselves.
   *
   * @param tokens ids [b,n] in row-major order, anything behind each end
   * @param targets ids to predict, [b] or [b,n]; {@link #UNSCORED} where none is
   * @param lengths [b] number of tokens of each sequence
   */
  public Batch(int[] tokens, int[] targets, int[] lengths) {
    this.tokens = tokens;
    this.targets = targets;
    this.lengths = lengths;
    int count = 0;
    for (int target : targets) {
      count += target == UNSCORED ? 0 : 1;
    }
    scored = count;
  }

  /** Number of sequences, b. */
  public int size() {
    return lengths.length;
  }

  /** Ids [b,n] in row-major order; not a copy. */
  public int[] tokens() {
    return tokens;
  }

  /** Targets, [b] or [b,n] in row-major order; not a copy. */
  public int[] targets() {
    return targets;
  }

  /** Lengths [b]; not a copy. */
  public int[] lengths() {
    return lengths;
  }

  /**
   * The batch with sequences at its end whose targets don't count, so that it has a size for which
   * a graph was compiled.
   *
   * @throws IllegalArgumentException if it has more sequences
   */
  public Batch filledUp(int sequences) {
    int size = size();
    if (size == sequences) {
      return this;
    }
    if (size > sequences) {
      throw new IllegalArgumentException(
          "a batch of %d sequences, but %d at most are expected".formatted(size, sequences));
    }
    int n = tokens.length / size;
    int[] newTargets = Arrays.copyOf(targets, targets.length / size * sequences);
    Arrays.fill(newTargets, targets.length, newTargets.length, UNSCORED);
    int[] newLengths = Arrays.copyOf(lengths, sequences);
    Arrays.fill(newLengths, size, sequences, n);
    return new Batch(Arrays.copyOf(tokens, n * sequences), newTargets, newLengths);
  }

  /** How many targets count. */
  public int scored() {
    return scored;
  }
}
