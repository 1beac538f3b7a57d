package dev.linformer.export;

import java.util.Arrays;
import java.util.Objects;
import org.tensorflow.ndarray.Shape;

/**
 * P̄ of one attention, for all heads and a batch of sequences: [b,h,n,k], each row of which adds up
 * to 1.
 */
public final class AttentionWeights {

  private static final String CROSS = "cross_";
  static final String ENCODER = "encoder_";

  private final String name;
  private final int heads;
  private final int rows;
  private final int columns;
  private final boolean compressed;
  private final float[] values;

  AttentionWeights(String name, boolean compressed, Shape shape, float[] values) {
    this.name = name;
    this.compressed = compressed;
    this.heads = Math.toIntExact(shape.get(1));
    this.rows = Math.toIntExact(shape.get(2));
    this.columns = Math.toIntExact(shape.get(3));
    this.values = values;
  }

  /**
   * {@code attention_0}, {@code cross_attention_0} or {@code encoder_attention_0}, with the number
   * of the layer.
   */
  public String name() {
    return name;
  }

  /** {@code h}, the number of heads. */
  public int heads() {
    return heads;
  }

  /** {@code n}, the number of positions that look. */
  public int rows() {
    return rows;
  }

  /**
   * How many positions they look at: {@code k} compressed ones, or with full attention {@code n}.
   */
  public int columns() {
    return columns;
  }

  /** Whether a column is a compressed position; with full attention it is a position. */
  public boolean compressed() {
    return compressed;
  }

  /** Whether it is the source's positions that look: those of an encoder-decoder's encoder. */
  public boolean rowsOfSource() {
    return name.startsWith(ENCODER);
  }

  /** Whether it is the source's positions that are looked at. */
  public boolean columnsOfSource() {
    return name.startsWith(ENCODER) || name.startsWith(CROSS);
  }

  /** The layer, counted from 0. */
  public int layer() {
    return Integer.parseInt(name.substring(name.lastIndexOf('_') + 1));
  }

  /** For people: "layer 1", "layer 1 to source", "source layer 1". */
  public String label() {
    if (name.startsWith(CROSS)) {
      return "layer %s to source".formatted(layer());
    }
    return (name.startsWith(ENCODER) ? "source layer " : "layer ") + layer();
  }

  /**
   * What a head of a sequence sees.
   *
   * @param sequence counted from 0
   * @param head counted from 0
   * @return [n,k], each row of which adds up to 1
   * @throws IndexOutOfBoundsException if there is no such sequence or head
   */
  public float[][] matrix(int sequence, int head) {
    Objects.checkIndex(sequence, values.length / (heads * rows * columns));
    Objects.checkIndex(head, heads);
    float[][] matrix = new float[rows][];
    for (int row = 0; row < rows; row++) {
      int from = ((sequence * heads + head) * rows + row) * columns;
      matrix[row] = Arrays.copyOfRange(values, from, from + columns);
    }
    return matrix;
  }
}
