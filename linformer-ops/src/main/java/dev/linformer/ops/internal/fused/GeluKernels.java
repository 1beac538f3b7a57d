package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.MatrixBlocks;
import dev.linformer.ops.internal.kernel.MatrixBlocks.BlockAddress;
import dev.linformer.ops.internal.kernel.MatrixBlocks.Columns;
import dev.linformer.ops.internal.kernel.Tile;
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
  static final int WARPS = 4;

  private static final int VALUES = 1_024; // that a program has at a time
  private static final int MOST_COLUMNS = 256;
  private static final double NEAR = 0.3275911 * Math.sqrt(0.5); // of Φ, not of erf
  private static final double[] BEYOND = {
    0.254829592 / 2, -0.284496736 / 2, 1.421413741 / 2, -1.453152027 / 2, 1.061405429 / 2
  };
  private static final double DENSITY = 1 / Math.sqrt(2 * Math.PI); // φ(0)
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
    return t.full((float) value, matrix().height(), matrix().width());
  }

  /** exp(−x²/2), [m,f]. */
  private Tile exponential(KernelText t, Tile x) {
    return t.exp2(t.multiply(t.multiply(x, x), number(t, -0.5 / Math.log(2)))); // [m,f]
  }

  /**
   * Φ(x), [m,f]: what is beyond |x| by formula 7.1.26 of Abramowitz and Stegun, Handbook of
   * Mathematical Functions, which is off by 8e-8 at most.
   *
   * @param exponential {@link #exponential}
   */
  private Tile distribution(KernelText t, Tile x, Tile exponential) {
    Tile far = t.maximum(x, t.multiply(x, number(t, -1))); // [m,f]
    Tile near = t.reciprocal(t.add(t.multiply(far, number(t, NEAR)), number(t, 1))); // [m,f]
    Tile share = t.multiply(t.polynomial(near, BEYOND), near); // [m,f]
    Tile beyond = t.multiply(share, exponential); // [m,f]
    return t.select(t.less(x, number(t, 0)), beyond, t.subtract(number(t, 1), beyond)); // [m,f]
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
    BlockAddress place = matrix().place(t, t.programId('x'), columns);
    Tile value = place.load(t, a); // [m,f]
    Tile x = sum(t, value, d == null ? null : columns.vector(t, d)); // [m,f]
    Tile part = distribution(t, x, exponential(t, x)); // [m,f]
    t.store(place.in(t, output), t.multiply(x, part), place.mask());
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
            t.constant(blocks()),
            programs(),
            List.of(number(t, 0)),
            (block, before) -> {
              BlockAddress place = matrix().place(t, block, columns);
              Tile x = sum(t, place.load(t, a), bias); // [m,f]
              Tile exponential = exponential(t, x); // [m,f]
              Tile density = t.multiply(exponential, number(t, DENSITY)); // [m,f]
              Tile slope = t.add(distribution(t, x, exponential), t.multiply(x, density)); // [m,f]
              Tile dx = t.multiply(place.load(t, dOutput), slope); // [m,f]
              t.store(place.in(t, dInput), dx, place.mask());
              return List.of(t.add(before.get(0), dx)); // [m,f]
            });
    if (sums != null) {
      Tile far = t.multiply(t.extend(program), t.extend(t.constant(f)));
      Tile places = t.offset(t.offset(sums, far), columns.numbers()); // [f]
      t.store(places, t.sum(all.get(0), 0), columns.mask());
    }
    return t.toString();
  }
}
