package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.Tile;
import org.jspecify.annotations.Nullable;

/**
 * Where the rows and keys of a head lie in the buffers of an attention's kernels: pointers, loads
 * and stores. A block may reach over the end of its matrix: what lies there is loaded as zero and
 * not stored.
 */
final class HeadPointers {

  private final KernelText t;
  private final AttentionTiling tiling;

  /**
   * @param t the kernel that is written
   */
  HeadPointers(KernelText t, AttentionTiling tiling) {
    this.t = t;
    this.tiling = tiling;
  }

  /**
   * Some rows of a matrix.
   *
   * @param first number of the first, a scalar
   * @param offsets from the first, [rows]
   * @param mask which of them the matrix has, [rows]; null if all
   */
  record RowRange(Tile first, Tile offsets, @Nullable Tile mask) {}

  /** Rows of queries from a first one, so many. */
  RowRange rows(Tile first, int count) {
    return range(first, count, tiling.n());
  }

  /** Keys of a head from a first one, so many. */
  RowRange keys(Tile first, int count) {
    return range(first, count, tiling.k());
  }

  private RowRange range(Tile first, int count, int end) {
    Tile offsets = t.range(count);
    Tile mask = end % count == 0 ? null : t.less(t.add(offsets, first), t.constant(end)); // [rows]
    return new RowRange(first, offsets, mask);
  }

  /** Columns of a matrix that is padded to a power of two. */
  private @Nullable Tile columnMask(Tile columns, int width) {
    return columns.shape().get(0) == width ? null : t.less(columns, t.constant(width));
  }

  /**
   * Pointers to [rows,width] of a matrix with a stride; the first row may be far from the start.
   */
  private Tile matrix(Tile start, RowRange rows, Tile columns, int stride) {
    Tile far = t.multiply(t.extend(rows.first), t.extend(t.constant(stride)));
    Tile near = t.add(t.multiply(t.column(rows.offsets), t.constant(stride)), t.row(columns));
    return t.offset(t.offset(start, far), near);
  }

  /** Start of a part of a buffer, the parts of so many rows of a width. */
  private Tile part(Tile start, Tile number, int rows, int width) {
    Tile first = t.multiply(t.extend(number), t.extend(t.constant(rows)));
    return t.offset(start, t.multiply(first, t.extend(t.constant(width))));
  }

  /**
   * A block of a head's keys or values.
   *
   * @param pair number of the sequence and head
   * @return [k,width], zero where padded
   */
  Tile loadKeys(Tile start, Tile pair, RowRange keys, int width) {
    Tile columns = t.range(AttentionTiling.padded(width));
    Tile pointers = matrix(part(start, pair, tiling.k(), width), keys, columns, width);
    return factor(t.load(pointers, t.mask(keys.mask, columnMask(columns, width))));
  }

  /**
   * A block of a head's keys or values from a matrix that lies transposed, [width,k].
   *
   * @return [k,width], zero where padded
   */
  Tile loadTransposedKeys(Tile start, Tile pair, RowRange keys, int width) {
    Tile numbers = t.range(AttentionTiling.padded(width));
    Tile near = t.add(t.multiply(t.column(numbers), t.constant(tiling.k())), t.row(keys.offsets));
    Tile from = t.offset(part(start, pair, width, tiling.k()), t.extend(keys.first));
    Tile mask = t.mask(columnMask(numbers, width), keys.mask);
    return t.transpose(factor(t.load(t.offset(from, near), mask))); // [k,width]
  }

  /** Stores a block of dK or dV, [k,width], of a slice, sequence and head. */
  void storeKeys(Tile start, Tile number, RowRange keys, int width, Tile values) {
    Tile columns = t.range(AttentionTiling.padded(width));
    t.store(
        matrix(part(start, number, tiling.k(), width), keys, columns, width),
        values,
        t.mask(keys.mask, columnMask(columns, width)));
  }

  /**
   * A block of queries, of outputs or of their gradients, [rows,width].
   *
   * @param shared whether all heads have the same, [b,n,width], and not each its own, [b,n,h·width]
   */
  Tile loadRows(Tile start, Tile batch, Tile head, RowRange rows, boolean shared, int width) {
    Tile columns = t.range(AttentionTiling.padded(width));
    Tile pointers = rowPointers(start, batch, head, rows, columns, shared, width);
    return factor(t.load(pointers, t.mask(rows.mask, columnMask(columns, width))));
  }

  /** Stores a block of outputs or of the queries' gradients, see {@link #loadRows}. */
  void storeRows(
      Tile start, Tile batch, Tile head, RowRange rows, boolean shared, int width, Tile values) {
    Tile columns = t.range(AttentionTiling.padded(width));
    Tile pointers = rowPointers(start, batch, head, rows, columns, shared, width);
    t.store(pointers, values, t.mask(rows.mask, columnMask(columns, width)));
  }

  private Tile rowPointers(
      Tile start, Tile batch, Tile head, RowRange rows, Tile columns, boolean shared, int width) {
    int stride = shared ? width : tiling.h() * width;
    Tile sequence = part(start, batch, tiling.n(), stride);
    return matrix(shared ? sequence : part(sequence, head, 1, width), rows, columns, stride);
  }

  /** Pointers to a value a row of a head, of [b,h,n]. */
  Tile perRow(Tile start, Tile pair, RowRange rows) {
    return t.offset(t.offset(part(start, pair, tiling.n(), 1), t.extend(rows.first)), rows.offsets);
  }

  /** As a product's factor, in the type of the queries. */
  Tile factor(Tile x) {
    return tiling.element().equals("f32") ? t.roundToTf32(x) : t.cast(x, tiling.element());
  }
}
