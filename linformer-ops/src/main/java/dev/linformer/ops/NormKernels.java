package dev.linformer.ops;

import dev.linformer.ops.kernel.KernelText;
import dev.linformer.ops.kernel.MatrixBlocks;
import dev.linformer.ops.kernel.MatrixBlocks.Columns;
import dev.linformer.ops.kernel.MatrixBlocks.Place;
import dev.linformer.ops.kernel.Tile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@link FusedLayerNorm} for given sizes. A program has some rows in its registers,
 * so that each input is read once, forward and backward, and all is computed in float32.
 *
 * <p>Forward, s = x + a + d, z = (s − μ)·r with r = 1/√(σ² + ε), y = z·weight + bias. Backward,
 * with z and r computed again and g = dy·weight: ds = r·(g − mean(g) − z·mean(g·z)), and the sums
 * over all rows of dy·z for the weight, of dy for the bias and of ds for d.
 *
 * @param element {@code f32} or {@code bf16}
 * @param rows that are normalised each by itself
 * @param c width of a row
 * @param residual whether there is x
 * @param biased whether there is d
 */
record NormKernels(String element, long rows, int c, boolean residual, boolean biased) {

  /** Warps of a program. */
  static final int WARPS = 8;

  private static final int VALUES = 4_096; // that a program has
  private static final int FEWER = 2_048; // at a time, of each of the backward kernel's five tiles
  private static final int PROGRAMS = 264; // two for each of an H100's multiprocessors

  private MatrixBlocks blocksOf(int values) {
    int width = MatrixBlocks.powerOfTwo(c);
    return new MatrixBlocks(rows, c, Math.max(1, values / width), width);
  }

  /** What programs of the forward kernel have. */
  MatrixBlocks forwardBlocks() {
    return blocksOf(VALUES);
  }

  /** What programs of the backward kernel have at a time. */
  MatrixBlocks backwardBlocks() {
    return blocksOf(FEWER);
  }

  /** Programs of the forward kernel. */
  int blocks() {
    return forwardBlocks().down();
  }

  /** Programs of the backward kernel, each with every so many-th block of rows. */
  int programs() {
    return Math.min(PROGRAMS, backwardBlocks().down());
  }

  /** z [m,c], zero in columns there are none of, and r [m,1]. */
  private record Normal(Tile values, Tile scale) {}

  private Normal normal(
      KernelText t,
      @Nullable Tile residual,
      Tile added,
      @Nullable Tile bias,
      Place place,
      Columns columns) {
    Tile sum = place.load(t, added); // [m,c]
    sum = bias == null ? sum : t.add(sum, bias); // [m,c]
    sum = residual == null ? sum : t.add(place.load(t, residual), sum); // [m,c]
    Tile centred = t.subtract(sum, mean(t, sum)); // [m,c]
    int height = sum.shape().get(0);
    if (columns.there() != null) {
      centred =
          t.select(
              t.row(columns.there()),
              centred,
              t.filled(0, height, columns.numbers().shape().get(0))); // [m,c]
    }
    Tile variance = mean(t, t.multiply(centred, centred)); // [m,1]
    Tile scale = t.rsqrt(t.add(variance, t.filled((float) LayerNorm.EPSILON, height, 1)));
    return new Normal(t.multiply(centred, scale), scale);
  }

  /** Of each row, of whose values those that aren't there are zero, [m,1]. */
  private Tile mean(KernelText t, Tile x) {
    return t.divide(t.column(t.sum(x, 1)), t.filled(c, x.shape().get(0), 1));
  }

  /**
   * Arguments: x [rows,c] if there is one, a [rows,c], d [c] if there is one, weight [c], bias [c];
   * result: y [rows,c]. Grid: {@link #blocks}.
   */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile x = residual ? t.pointer(element) : null;
    Tile added = t.pointer(element);
    Tile d = biased ? t.pointer(element) : null;
    Tile weight = t.pointer(element);
    Tile bias = t.pointer(element);
    Tile output = t.pointer(element);
    Columns columns = forwardBlocks().columns(t);
    Place place = forwardBlocks().place(t, t.programId('x'), columns);
    Tile before = d == null ? null : columns.vector(t, d); // [1,c]
    Normal normal = normal(t, x, added, before, place, columns);
    Tile scaled = t.multiply(normal.values, columns.vector(t, weight)); // [m,c]
    t.store(place.in(t, output), t.add(scaled, columns.vector(t, bias)), place.there());
    return t.toString();
  }

  /**
   * Arguments: x if there is one, a, d if there is one, weight, dy [rows,c]; results: ds [rows,c],
   * and in float32, a row for each program, the sums for the weight, for the bias, and for d if
   * there is one, [programs,c]. Grid: {@link #programs}.
   */
  String backward(String name) {
    KernelText t = new KernelText(name);
    Tile x = residual ? t.pointer(element) : null;
    Tile added = t.pointer(element);
    Tile d = biased ? t.pointer(element) : null;
    Tile weight = t.pointer(element);
    Tile dOutput = t.pointer(element);
    Tile dSum = t.pointer(element);
    List<Tile> results =
        biased
            ? List.of(t.pointer("f32"), t.pointer("f32"), t.pointer("f32"))
            : List.of(t.pointer("f32"), t.pointer("f32"));
    MatrixBlocks blocks = backwardBlocks();
    Columns columns = blocks.columns(t);
    Tile before = d == null ? null : columns.vector(t, d); // [1,c]
    Tile factor = columns.vector(t, weight); // [1,c]
    Tile program = t.programId('x');
    Tile zeros = t.filled(0, blocks.height(), blocks.width()); // [m,c]
    List<Tile> sums =
        t.loop(
            program,
            t.number(blocks.down()),
            programs(),
            biased ? List.of(zeros, zeros, zeros) : List.of(zeros, zeros),
            (block, so) -> {
              Place place = blocks.place(t, block, columns);
              Normal normal = normal(t, x, added, before, place, columns);
              Tile z = normal.values; // [m,c]
              Tile dy = place.load(t, dOutput); // [m,c]
              Tile g = t.multiply(dy, factor); // [m,c]
              Tile along = t.multiply(z, mean(t, t.multiply(g, z))); // [m,c]
              Tile rest = t.subtract(t.subtract(g, mean(t, g)), along); // [m,c]
              Tile ds = t.multiply(rest, normal.scale); // [m,c]
              t.store(place.in(t, dSum), ds, place.there());
              Tile dWeight = t.add(so.get(0), t.multiply(dy, z)); // [m,c]
              Tile dBias = t.add(so.get(1), dy); // [m,c]
              return biased
                  ? List.of(dWeight, dBias, t.add(so.get(2), ds))
                  : List.of(dWeight, dBias);
            });
    Tile places = t.add(t.multiply(program, t.number(c)), columns.numbers()); // [c]
    for (int i = 0; i < sums.size(); i++) {
      t.store(t.offset(results.get(i), places), t.sum(sums.get(i), 0), columns.there());
    }
    return t.toString();
  }
}
