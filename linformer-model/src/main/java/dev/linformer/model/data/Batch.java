package dev.linformer.model.data;

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

  /** How many targets count. */
  public int scored() {
    return scored;
  }
}
