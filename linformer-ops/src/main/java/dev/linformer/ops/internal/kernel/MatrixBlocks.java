package dev.linformer.ops.internal.kernel;

import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A matrix, row by row, that programs have in blocks of its rows and columns.
 *
 * @param rows of the matrix
 * @param columns of the matrix
 * @param height rows of a block
 * @param width columns of a block, a power of two
 */
public record MatrixBlocks(long rows, int columns, int height, int width) {

  /** The power of two that holds x. */
  public static int powerOfTwo(int x) {
    return x == 1 ? 1 : Integer.highestOneBit(x - 1) * 2;
  }

  /** The power of two that holds x, at least what a matrix unit takes of a factor. */
  public static int ofFactor(int x) {
    return Math.max(16, powerOfTwo(x));
  }

  /** How often a block's rows are in all rows, the last time in part. */
  public int down() {
    return Math.toIntExact((rows - 1) / height + 1);
  }

  /** How often a block's columns are in all columns, the last time in part. */
  public int across() {
    return (columns - 1) / width + 1;
  }

  /**
   * The columns of a block.
   *
   * @param numbers [width]
   * @param mask which of them the matrix has; null if all
   */
  public record Columns(Tile numbers, @Nullable Tile mask) {

    /** Those of a vector in float32, [1,width]. */
    public Tile vector(KernelText t, Tile start) {
      return t.row(t.cast(t.load(t.offset(start, numbers), mask), "f32"));
    }
  }

  /** The columns of each block. */
  public List<Columns> parts(KernelText t) {
    return IntStream.range(0, across())
        .mapToObj(
            i -> {
              Tile numbers = i == 0 ? t.range(width) : t.add(t.range(width), t.constant(i * width));
              return (i + 1) * width <= columns ? new Columns(numbers, null) : some(t, numbers);
            })
        .toList();
  }

  /** The columns of the so many-th block. */
  public Columns columns(KernelText t, Tile block) {
    Tile first = t.multiply(block, t.constant(width));
    return some(t, t.add(first, t.range(width)));
  }

  private Columns some(KernelText t, Tile numbers) {
    return new Columns(numbers, columns % width == 0 ? null : t.less(numbers, t.constant(columns)));
  }

  /**
   * Where a block's values lie, [height,width].
   *
   * @param far from the start of the matrix
   * @param near from there
   * @param mask which of them the matrix has; null if all
   */
  public record BlockAddress(Tile far, Tile near, @Nullable Tile mask) {

    /** Pointers into a matrix. */
    public Tile in(KernelText t, Tile start) {
      return t.offset(t.offset(start, far), near);
    }

    /** The values in float32, zero where there are none. */
    public Tile load(KernelText t, Tile start) {
      return t.cast(t.load(in(t, start), mask), "f32");
    }
  }

  /** Where the so many-th block of rows lies, in some columns. */
  public BlockAddress place(KernelText t, Tile block, Columns part) {
    Tile numbers = t.range(height);
    Tile far = t.multiply(t.extend(block), t.extend(t.constant(height * columns)));
    Tile near = t.add(t.multiply(t.column(numbers), t.constant(columns)), t.row(part.numbers));
    int last = Math.toIntExact(rows - (long) (down() - 1) * height);
    if (last == height) {
      return new BlockAddress(far, near, t.mask(null, part.mask));
    }
    // Of the last block so many, of one before it more than a block has, and no large number.
    Tile after = t.minimum(t.subtract(t.constant(down() - 1), block), t.constant(1));
    Tile count = t.add(t.multiply(after, t.constant(height)), t.constant(last));
    return new BlockAddress(far, near, t.mask(t.less(numbers, count), part.mask));
  }
}
