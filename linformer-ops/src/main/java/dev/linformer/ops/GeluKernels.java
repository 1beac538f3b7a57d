package dev.linformer.ops;

import dev.linformer.ops.kernel.KernelText;
import dev.linformer.ops.kernel.Tile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@link FusedGelu} for given sizes. A program has some columns of some rows, so
 * that each input is read once, forward and backward, and all is computed in float32.
 *
 * <p>Forward, x = a + d and y = x·Φ(x). Backward, dx = dy·(Φ(x) + x·φ(x)), and its sums over all
 * rows for d; Φ and φ are the normal distribution and its density.
 *
 * @param element {@code f32} or {@code bf16}
 * @param rows of a
 * @param f columns of a
 * @param biased whether there is d
 */
record GeluKernels(String element, long rows, int f, boolean biased) {

  /** Warps of a program. */
  static final int WARPS = 8;

  private static final int VALUES = 2_048; // that a program has at a time
  private static final int MOST_COLUMNS = 256;
  private static final int PROGRAMS = 1_056; // eight for each of an H100's multiprocessors

  /** Columns of a program, a power of two. */
  int columns() {
    return Math.min(MOST_COLUMNS, f == 1 ? 1 : Integer.highestOneBit(f - 1) * 2);
  }

  /** Programs along the columns. */
  int across() {
    return (f - 1) / columns() + 1;
  }

  /** Rows that a program has at a time. */
  int height() {
    return VALUES / columns();
  }

  /** How often so many rows are in all rows, the last of them in part. */
  int blocks() {
    return Math.toIntExact((rows - 1) / height() + 1);
  }

  /** Programs along the rows of the backward kernel, each with every so many-th block of rows. */
  int programs() {
    return Math.min((PROGRAMS - 1) / across() + 1, blocks());
  }

  /** The columns of a program, and which of them there are. */
  private record Columns(Tile first, Tile numbers, @Nullable Tile there) {}

  private Columns columns(KernelText t, Tile program) {
    Tile first = t.multiply(program, t.number(columns()));
    Tile numbers = t.add(first, t.range(columns())); // [f]
    return new Columns(first, numbers, f % columns() == 0 ? null : t.less(numbers, t.number(f)));
  }

  /** Where a block's values lie, [m,f]: so far from the start, and so far from there. */
  private record Place(Tile far, Tile near, @Nullable Tile there) {

    Tile in(KernelText t, Tile start) {
      return t.offset(t.offset(start, far), near);
    }

    Tile load(KernelText t, Tile start) {
      return t.cast(t.load(in(t, start), there), "f32"); // [m,f]
    }
  }

  private Place place(KernelText t, Tile block, Columns columns) {
    Tile numbers = t.range(height());
    Tile far = t.multiply(t.wide(block), t.wide(t.number(height() * f)));
    Tile near = t.add(t.multiply(t.column(numbers), t.number(f)), t.row(columns.numbers)); // [m,f]
    Tile inside = columns.there == null ? null : t.row(columns.there); // [1,f]
    int last = Math.toIntExact(rows - (long) (blocks() - 1) * height());
    if (last == height()) {
      return new Place(far, near, inside);
    }
    // Of the last block so many, of one before it more than a block has, and no large number.
    Tile after = t.least(t.subtract(t.number(blocks() - 1), block), t.number(1));
    Tile count = t.add(t.multiply(after, t.number(height())), t.number(last));
    Tile there = t.column(t.less(numbers, count)); // [m,1]
    return new Place(far, near, inside == null ? there : t.and(there, inside));
  }

  /** d of the program's columns, [1,f]. */
  private @Nullable Tile bias(KernelText t, @Nullable Tile d, Columns columns) {
    return d == null
        ? null
        : t.row(t.cast(t.load(t.offset(d, columns.numbers), columns.there), "f32")); // [1,f]
  }

  private static Tile sum(KernelText t, Tile a, @Nullable Tile bias) {
    return bias == null ? a : t.add(a, bias); // [m,f]
  }

  /** The same number everywhere, [m,f]. */
  private Tile number(KernelText t, double value) {
    return t.filled((float) value, height(), columns());
  }

  /** Φ(x), [m,f]. */
  private Tile distribution(KernelText t, Tile x) {
    Tile erf = t.erf(t.multiply(x, number(t, Math.sqrt(0.5)))); // [m,f]
    return t.multiply(t.add(erf, number(t, 1)), number(t, 0.5)); // [m,f]
  }

  /** φ(x), [m,f]. */
  private Tile density(KernelText t, Tile x) {
    Tile e = t.exp(t.multiply(t.multiply(x, x), number(t, -0.5))); // [m,f]
    return t.multiply(e, number(t, 1 / Math.sqrt(2 * Math.PI))); // [m,f]
  }

  /**
   * Arguments: a [rows,f], d [f] if there is one; result: y [rows,f]. Grid: {@link #blocks}, {@link
   * #across}.
   */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile a = t.pointer(element);
    Tile d = biased ? t.pointer(element) : null;
    Tile output = t.pointer(element);
    Columns columns = columns(t, t.programId('y'));
    Place place = place(t, t.programId('x'), columns);
    Tile x = sum(t, place.load(t, a), bias(t, d, columns)); // [m,f]
    t.store(place.in(t, output), t.multiply(x, distribution(t, x)), place.there);
    return t.toString();
  }

  /**
   * Arguments: a, d if there is one, dy [rows,f]; results: dx [rows,f], and in float32, if there is
   * d, its gradient's sums, a row for each program, [programs,f]. Grid: {@link #programs}, {@link
   * #across}.
   */
  String backward(String name) {
    KernelText t = new KernelText(name);
    Tile a = t.pointer(element);
    Tile d = biased ? t.pointer(element) : null;
    Tile dOutput = t.pointer(element);
    Tile dInput = t.pointer(element);
    Tile sums = biased ? t.pointer("f32") : null;
    Columns columns = columns(t, t.programId('y'));
    Tile bias = bias(t, d, columns); // [1,f]
    Tile program = t.programId('x');
    List<Tile> all =
        t.loop(
            program,
            t.number(blocks()),
            programs(),
            List.of(number(t, 0)),
            (block, so) -> {
              Place place = place(t, block, columns);
              Tile x = sum(t, place.load(t, a), bias); // [m,f]
              Tile slope = t.add(distribution(t, x), t.multiply(x, density(t, x))); // [m,f]
              Tile dx = t.multiply(place.load(t, dOutput), slope); // [m,f]
              t.store(place.in(t, dInput), dx, place.there);
              return List.of(t.add(so.get(0), dx)); // [m,f]
            });
    if (sums != null) {
      Tile far = t.multiply(t.wide(program), t.wide(t.number(f)));
      Tile places = t.offset(t.offset(sums, far), columns.numbers); // [f]
      t.store(places, t.sum(all.get(0), 0), columns.there);
    }
    return t.toString();
  }
}
