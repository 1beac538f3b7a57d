package dev.linformer.model.data;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Examples that are computed at once: an array for each {@link Objective.Field}, and how many of
 * the targets in them count.
 */
public final class Batch {

  /** In the place of a target that does not count. */
  public static final int UNSCORED = -1;

  /** The field of token ids, [b,n]. */
  static final String TOKENS = "tokens";

  /** The field of ids to predict, [b] or [b,n]. */
  static final String TARGETS = "targets";

  /** The field of the sequences' lengths, [b]. */
  static final String LENGTHS = "lengths";

  /**
   * An array, either of int or of float.
   *
   * @param values an int[] or a float[]
   * @param filler what stands in examples that only fill a batch up
   */
  private record Column(Object values, Number filler) {

    int length() {
      return values instanceof int[] ints ? ints.length : ((float[]) values).length;
    }

    Column filledUp(int length) {
      int from = length();
      if (values instanceof int[] ints) {
        int[] longer = Arrays.copyOf(ints, length);
        Arrays.fill(longer, from, length, filler.intValue());
        return new Column(longer, filler);
      }
      float[] longer = Arrays.copyOf((float[]) values, length);
      Arrays.fill(longer, from, length, filler.floatValue());
      return new Column(longer, filler);
    }
  }

  private final int size;
  private final int scored;
  private final Map<String, Column> columns;

  private Batch(int size, int scored, Map<String, Column> columns) {
    this.size = size;
    this.scored = scored;
    this.columns = columns;
  }

  /**
   * Sequences of token ids, and what is to be predicted of them: a class each, or a token at each
   * position. Keeps the arrays themselves.
   *
   * @param tokens ids [b,n] in row-major order, anything behind each end
   * @param targets ids to predict, [b] or [b,n]; {@link #UNSCORED} where none is
   * @param lengths [b] number of tokens of each sequence
   */
  public Batch(int[] tokens, int[] targets, int[] lengths) {
    this(lengths.length, scored(targets), new LinkedHashMap<>());
    int n = size == 0 ? 0 : tokens.length / size;
    columns.put(TOKENS, new Column(tokens, 0));
    columns.put(TARGETS, new Column(targets, UNSCORED));
    columns.put(LENGTHS, new Column(lengths, n));
  }

  private static int scored(int[] targets) {
    int count = 0;
    for (int target : targets) {
      count += target == UNSCORED ? 0 : 1;
    }
    return count;
  }

  /**
   * A batch for an objective of one's own.
   *
   * @param size number of examples, b
   */
  public static Builder builder(int size) {
    return new Builder(size);
  }

  /** Makes a batch, field by field. */
  public static final class Builder {
    private final int size;
    private final Map<String, Column> columns = new LinkedHashMap<>();

    private Builder(int size) {
      this.size = size;
    }

    /**
     * Adds an array of numbers, and keeps it itself. Zeros stand in examples that only fill a batch
     * up; with XLA the last batch of a measurement has such, and the loss must not count them.
     *
     * @param values [b,…] in row-major order
     */
    public Builder floats(String name, float[] values) {
      return put(name, new Column(values, 0f));
    }

    /**
     * Adds an array of whole numbers, and keeps it itself.
     *
     * @param values [b,…] in row-major order
     * @param filler what stands in examples that only fill a batch up, see {@link #floats}
     */
    public Builder ints(String name, int[] values, int filler) {
      return put(name, new Column(values, filler));
    }

    private Builder put(String name, Column column) {
      if (size < 1 || column.length() % size != 0) {
        throw new IllegalArgumentException(
            "field %s: %s values, but a multiple of the batch's size, %s, is expected"
                .formatted(name, column.length(), size));
      }
      columns.put(name, column);
      return this;
    }

    /**
     * Makes the batch.
     *
     * @param scored how many targets count: losses are means over them
     */
    public Batch build(int scored) {
      return new Batch(size, scored, new LinkedHashMap<>(columns));
    }
  }

  /** Number of sequences, b. */
  public int size() {
    return size;
  }

  /** How many targets count. */
  public int scored() {
    return scored;
  }

  /** Ids [b,n] in row-major order; not a copy. */
  public int[] tokens() {
    return ints(TOKENS);
  }

  /** Targets, [b] or [b,n] in row-major order; not a copy. */
  public int[] targets() {
    return ints(TARGETS);
  }

  /** Lengths [b]; not a copy. */
  public int[] lengths() {
    return ints(LENGTHS);
  }

  /**
   * The whole numbers of a field, [b,…] in row-major order; not a copy.
   *
   * @throws IllegalArgumentException if there is no such field, or it has floats
   */
  public int[] ints(String field) {
    if (column(field).values instanceof int[] ints) {
      return ints;
    }
    throw new IllegalArgumentException("field %s has floats, not ints".formatted(field));
  }

  /**
   * The floats of a field, [b,…] in row-major order; not a copy.
   *
   * @throws IllegalArgumentException if there is no such field, or it has ints
   */
  public float[] floats(String field) {
    if (column(field).values instanceof float[] floats) {
      return floats;
    }
    throw new IllegalArgumentException("field %s has ints, not floats".formatted(field));
  }

  private Column column(String field) {
    Column column = columns.get(field);
    if (column == null) {
      throw new IllegalArgumentException(
          "a batch without the field %s; it has %s"
              .formatted(field, String.join(", ", columns.keySet())));
    }
    return column;
  }

  /**
   * The batch with sequences at its end whose targets don't count, so that it has a size for which
   * a graph was compiled.
   *
   * @throws IllegalArgumentException if it has more sequences
   */
  public Batch filledUp(int sequences) {
    if (size == sequences) {
      return this;
    }
    if (size > sequences) {
      throw new IllegalArgumentException(
          "a batch of %s sequences, but %s at most are expected".formatted(size, sequences));
    }
    Map<String, Column> longer = new LinkedHashMap<>();
    columns.forEach(
        (name, column) ->
            longer.put(
                name, column.filledUp(Math.multiplyExact(column.length() / size, sequences))));
    return new Batch(sequences, scored, longer);
  }
}
