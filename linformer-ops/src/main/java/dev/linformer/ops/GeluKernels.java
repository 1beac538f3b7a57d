package dev.linformer.ops;

import dev.linformer.ops.kernel.KernelText;
import dev.linformer.ops.kernel.MatrixBlocks;
import dev.linformer.ops.kernel.MatrixBlocks.Columns;
import dev.linformer.ops.kernel.MatrixBlocks.Place;
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

  /** What a program has at a time. */
  MatrixBlocks matrix() {
    int width = Math.min(MOST_COLUMNS, MatrixBlocks.powerOfTwo(f));
    return new MatrixBlocks(rows, f, VALUES / width, width);
  }

  /** Programs along the columns. */
  int across() {
    return matrix().across();
  }

  /** Programs along the rows of the forward kernel. */
  int blocks() {
    return matrix().down();
  }

  /** Programs along the rows of the backward kernel, each with every so many-th block of rows. */
  int programs() {
    return Math.min((PROGRAMS - 1) / across() + 1, blocks());
  }

  private static Tile sum(KernelText t, Tile a, @Nullable Tile bias) {
    return bias == null ? a : t.add(a, bias); // [m,f]
  }

  /** The same number everywhere, [m,f]. */
  private Tile number(KernelText t, double value) {
    return t.filled((float) value, matrix().height(), matrix().width());
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
    Columns columns = matrix().columns(t, t.programId('y'));
    Place place = matrix().place(t, t.programId('x'), columns);
    Tile value = place.load(t, a); // [m,f]
    Tile x = sum(t, value, d == null ? null : columns.vector(t, d)); // [m,f]
    t.store(place.in(t, output), t.multiply(x, distribution(t, x)), place.there());
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
    Columns columns = matrix().columns(t, t.programId('y'));
    Tile bias = d == null ? null : columns.vector(t, d); // [1,f]
    Tile program = t.programId('x');
    List<Tile> all =
        t.loop(
            program,
            t.number(blocks()),
            programs(),
            List.of(number(t, 0)),
            (block, so) -> {
              Place place = matrix().place(t, block, columns);
              Tile x = sum(t, place.load(t, a), bias); // [m,f]
              Tile slope = t.add(distribution(t, x), t.multiply(x, density(t, x))); // [m,f]
              Tile dx = t.multiply(place.load(t, dOutput), slope); // [m,f]
              t.store(place.in(t, dInput), dx, place.there());
              return List.of(t.add(so.get(0), dx)); // [m,f]
            });
    if (sums != null) {
      Tile far = t.multiply(t.wide(program), t.wide(t.number(f)));
      Tile places = t.offset(t.offset(sums, far), columns.numbers()); // [f]
      t.store(places, t.sum(all.get(0), 0), columns.there());
    }
    return t.toString();
  }
}
