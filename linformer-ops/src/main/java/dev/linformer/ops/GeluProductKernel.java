package dev.linformer.ops;

import dev.linformer.ops.kernel.KernelText;
import dev.linformer.ops.kernel.MatrixBlocks;
import dev.linformer.ops.kernel.Tile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of {@link FusedGeluProduct} for given sizes, in bfloat16. A program has a block of the
 * output, so that the product stays in its registers until GELU is taken of it.
 *
 * <p>y = x·Φ(x) with Φ(x) = ½ + ½·tanh(x·p(x²)), p of degree 2: off by 3e-5 at most, fitted to the
 * exact form, and by another 2⁻¹²·|x| that the GPU's instruction for tanh is. In float32 erf takes
 * several times as many instructions, and matrix units wait meanwhile.
 *
 * @param rows of the first factor
 * @param c columns of both factors
 * @param f rows of the second factor, columns of the output
 * @param biased whether there is d
 */
record GeluProductKernel(long rows, int c, int f, boolean biased) {

  /** Warps of a program. */
  static final int WARPS = 4;

  /** One more than the turns by which factors are loaded ahead. */
  static final int STAGES = 2;

  private static final int HEIGHT = 128;
  private static final int MOST_WIDTH = 128;
  private static final int MOST_DEPTH = 64; // of a turn
  private static final int LEAST = 16; // that a matrix unit takes
  private static final double[] P = {0.797507878, 0.037005651, -3.51517533e-4};
  private static final double FAR = 64; // x² from which tanh is ±1; p is positive up to there

  private static int block(int most, int size) {
    return Math.min(most, Math.max(LEAST, MatrixBlocks.powerOfTwo(size)));
  }

  private int width() {
    return block(MOST_WIDTH, f);
  }

  private int depth() {
    return block(MOST_DEPTH, c);
  }

  /** Programs along the columns of the output. */
  int across() {
    return (f - 1) / width() + 1;
  }

  /** Programs along its rows. */
  int down() {
    return Math.toIntExact((rows - 1) / HEIGHT + 1);
  }

  /** All programs: those of the same rows are neighbours, and share them in a cache. */
  int programs() {
    return Math.multiplyExact(across(), down());
  }

  /** Some rows of a factor, and where the first of them starts. */
  private record Rows(Tile start, Tile numbers, @Nullable Tile there) {}

  private Rows factor(KernelText t, Tile matrix, Tile block, int height, long all) {
    Tile first = t.multiply(t.wide(block), t.wide(t.number(height)));
    Tile numbers = t.range(height);
    Tile there =
        all % height == 0
            ? null
            : t.less(t.add(t.multiply(block, t.number(height)), numbers), t.number((int) all));
    return new Rows(t.offset(matrix, t.multiply(first, t.wide(t.number(c)))), numbers, there);
  }

  /** The same number everywhere, [m,f]. */
  private Tile number(KernelText t, double value) {
    return t.filled((float) value, HEIGHT, width());
  }

  /** GELU(x), [m,f]. */
  private Tile gelu(KernelText t, Tile x) {
    Tile square = t.least(t.multiply(x, x), number(t, FAR)); // [m,f]
    Tile p = number(t, P[P.length - 1]);
    for (int i = P.length - 2; i >= 0; i--) {
      p = t.add(t.multiply(p, square), number(t, P[i])); // [m,f]
    }
    Tile half = t.multiply(x, number(t, 0.5)); // [m,f]
    return t.add(t.multiply(half, t.tanh(t.multiply(x, p))), half); // [m,f]
  }

  /** Arguments: x [rows,c], W [f,c], d [f] if there is one; result: y [rows,f]. */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile x = t.pointer("bf16");
    Tile weight = t.pointer("bf16");
    Tile d = biased ? t.pointer("bf16") : null;
    Tile output = t.pointer("bf16");
    Tile program = t.programId('x');
    Tile across = t.number(across());
    Tile row = t.divide(program, across);
    Tile column = t.rest(program, across);
    Rows left = factor(t, x, row, HEIGHT, rows);
    Rows right = factor(t, weight, column, width(), f);
    Tile product =
        t.loop(
                t.number(0),
                t.number(c),
                depth(),
                List.of(number(t, 0)),
                (first, so) -> {
                  Tile a = part(t, left, first); // [m,c]
                  Tile b = part(t, right, first); // [f,c]
                  return List.of(t.dot(a, t.transpose(b), so.get(0))); // [m,f]
                })
            .get(0);
    Tile columns = t.add(t.multiply(column, t.number(width())), t.range(width())); // [f]
    if (d != null) {
      Tile bias = t.cast(t.load(t.offset(d, columns), right.there), "f32"); // [f]
      product = t.add(product, t.row(bias)); // [m,f]
    }
    Tile far = t.multiply(t.wide(row), t.multiply(t.wide(t.number(HEIGHT)), t.wide(t.number(f))));
    Tile near = t.add(t.multiply(t.column(left.numbers), t.number(f)), t.row(columns)); // [m,f]
    t.store(
        t.offset(t.offset(output, far), near), gelu(t, product), both(t, left.there, right.there));
    return t.toString();
  }

  /** Some columns of a factor, [rows,depth]; zero where there are none. */
  private Tile part(KernelText t, Rows of, Tile first) {
    Tile numbers = t.add(first, t.range(depth())); // [depth]
    Tile near = t.add(t.multiply(t.column(of.numbers), t.number(c)), t.row(numbers));
    Tile there = c % depth() == 0 ? null : t.less(numbers, t.number(c));
    return t.load(t.offset(of.start, near), both(t, of.there, there));
  }

  private static @Nullable Tile both(KernelText t, @Nullable Tile rows, @Nullable Tile columns) {
    if (rows == null) {
      return columns == null ? null : t.row(columns);
    }
    return columns == null ? t.column(rows) : t.and(t.column(rows), t.row(columns));
  }
}
