package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.MatrixBlocks;
import dev.linformer.ops.internal.kernel.MatrixBlocks.BlockAddress;
import dev.linformer.ops.internal.kernel.MatrixBlocks.Columns;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.List;

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
  private static final double[] P = {0.797507878, 0.037005651, -3.51517533e-4};
  private static final double FAR = 64; // x² from which tanh is ±1; p is positive up to there

  private static int depth(int c) {
    return Math.min(MOST_DEPTH, MatrixBlocks.ofFactor(c));
  }

  /** The output, a block for each program. */
  MatrixBlocks output() {
    return new MatrixBlocks(rows, f, HEIGHT, Math.min(MOST_WIDTH, MatrixBlocks.ofFactor(f)));
  }

  /** The first factor, a block for each turn. */
  private MatrixBlocks left() {
    return new MatrixBlocks(rows, c, HEIGHT, depth(c));
  }

  /** The second. */
  private MatrixBlocks right() {
    return new MatrixBlocks(f, c, output().width(), depth(c));
  }

  /** All programs: those of the same rows are neighbours, and share them in a cache. */
  int programs() {
    return Math.multiplyExact(output().across(), output().down());
  }

  /** The same number everywhere, [m,f]. */
  private Tile number(KernelText t, double value) {
    return t.full((float) value, HEIGHT, output().width());
  }

  /** GELU(x), [m,f]. */
  private Tile gelu(KernelText t, Tile x) {
    Tile square = t.minimum(t.multiply(x, x), number(t, FAR)); // [m,f]
    Tile p = t.polynomial(square, P); // [m,f]
    Tile half = t.multiply(x, number(t, 0.5)); // [m,f]
    return t.add(t.multiply(half, t.tanh(t.multiply(x, p))), half); // [m,f]
  }

  /** Arguments: x [rows,c], W [f,c], d [f] if there is one; result: y [rows,f]. */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile x = t.pointer("bf16");
    Tile weight = t.pointer("bf16");
    Tile d = biased ? t.pointer("bf16") : null;
    Tile y = t.pointer("bf16");
    Tile program = t.programId('x');
    Tile across = t.constant(output().across());
    Tile row = t.divide(program, across);
    Tile column = t.rem(program, across);
    Tile product =
        t.loop(
                t.constant(0),
                t.constant(left().across()),
                1,
                List.of(number(t, 0)),
                (turn, before) -> {
                  Tile a = factor(t, x, left(), row, turn); // [m,c]
                  Tile b = factor(t, weight, right(), column, turn); // [f,c]
                  return List.of(t.dot(a, t.transpose(b), before.get(0))); // [m,f]
                })
            .get(0);
    Columns columns = output().columns(t, column);
    if (d != null) {
      product = t.add(product, columns.vector(t, d)); // [m,f]
    }
    BlockAddress place = output().place(t, row, columns);
    t.store(place.in(t, y), gelu(t, product), place.mask());
    return t.toString();
  }

  /** A block of a factor, zero where there is none of it. */
  private static Tile factor(KernelText t, Tile start, MatrixBlocks blocks, Tile rows, Tile turn) {
    BlockAddress place = blocks.place(t, rows, blocks.columns(t, turn));
    return t.load(place.in(t, start), place.mask());
  }
}
