package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.MatrixBlocks;
import dev.linformer.ops.internal.kernel.MatrixBlocks.BlockAddress;
import dev.linformer.ops.internal.kernel.MatrixBlocks.Columns;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The kernels of {@link FusedLayerNorm} for given sizes. A program has some rows in its registers,
 * so that each input is read once, forward and backward, and all is computed in float32. A tile's
 * columns are a power of two; several side by side have a row's with few to spare.
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

  private static final int VALUES = 1_024; // that a program has at a time, unless a row is longer
  private static final int VALUES_OF_A_WARP = 512; // of the backward kernel
  private static final int LEAST_WARPS = 2; // of that one
  private static final int MOST_WARPS = 2_112; // 16 for each of an H100's multiprocessors
  private static final int PARTS = 4; // of a row, so that not many columns are those of none
  private static final int LEAST_WIDTH = 256; // of a part, unless a row has less

  /** What a program of the forward kernel has, and one of the backward kernel at a time. */
  MatrixBlocks blocks() {
    int all = MatrixBlocks.powerOfTwo(c);
    int part = Math.max(LEAST_WIDTH, all / PARTS);
    return new MatrixBlocks(rows, c, Math.max(1, VALUES / all), Math.min(part, all));
  }

  /** Warps of a program of the forward kernel: where one has whole rows, none waits for another. */
  int forwardWarps() {
    return Math.max(1, MatrixBlocks.powerOfTwo(c) / VALUES);
  }

  /** Warps of a program of the backward kernel. */
  int backwardWarps() {
    return Math.max(LEAST_WARPS, MatrixBlocks.powerOfTwo(c) / VALUES_OF_A_WARP);
  }

  /** Programs of the backward kernel, each with every so many-th block of rows. */
  int programs() {
    return Math.min(MOST_WARPS / backwardWarps(), blocks().down());
  }

  /** Parts of z [m,w], zero in columns there are none of, and r [m,1]. */
  private record Normal(List<Tile> values, Tile scale) {}

  /** A tile of each part of some rows. */
  private static List<Tile> each(List<?> parts, IntFunction<Tile> result) {
    return IntStream.range(0, parts.size()).mapToObj(result).toList();
  }

  private Normal normal(
      KernelText t,
      @Nullable Tile residual,
      Tile added,
      @Nullable List<Tile> bias,
      List<BlockAddress> places,
      List<Columns> columns) {
    List<Tile> sums =
        each(
            places,
            i -> {
              Tile sum = places.get(i).load(t, added); // [m,w]
              sum = bias == null ? sum : t.add(sum, bias.get(i)); // [m,w]
              return residual == null ? sum : t.add(places.get(i).load(t, residual), sum); // [m,w]
            });
    int height = sums.get(0).shape().get(0);
    int width = sums.get(0).shape().get(1);
    Tile mean = mean(t, sums); // [m,1]
    List<Tile> centred =
        each(
            sums,
            i -> {
              Tile x = t.subtract(sums.get(i), mean); // [m,w]
              Tile mask = columns.get(i).mask(); // [w]
              return mask == null ? x : t.select(t.row(mask), x, t.full(0, height, width)); // [m,w]
            });
    Tile variance = mean(t, each(centred, i -> t.multiply(centred.get(i), centred.get(i))));
    Tile scale = t.rsqrt(t.add(variance, t.full((float) FusedLayerNorm.EPSILON, height, 1)));
    return new Normal(each(centred, i -> t.multiply(centred.get(i), scale)), scale);
  }

  /** A vector's parts in float32, [1,w]. */
  private static List<Tile> vectors(KernelText t, Tile start, List<Columns> columns) {
    return columns.stream().map(part -> part.vector(t, start)).toList(); // [1,w]
  }

  /** Of each row, of whose values those that aren't there are zero, [m,1]. */
  private Tile mean(KernelText t, List<Tile> parts) {
    Tile all = parts.stream().reduce(t::add).orElseThrow(); // [m,w]
    return t.divide(t.column(t.sum(all, 1)), t.full(c, all.shape().get(0), 1));
  }

  /**
   * Arguments: x [rows,c] if there is one, a [rows,c], d [c] if there is one, weight [c], bias [c];
   * result: y [rows,c]. Grid: a program for each of {@link #blocks}, the last rows first: what was
   * written last, as x or a may be, is in a cache.
   */
  String forward(String name) {
    KernelText t = new KernelText(name);
    Tile x = residual ? t.pointer(element) : null;
    Tile added = t.pointer(element);
    Tile d = biased ? t.pointer(element) : null;
    Tile weight = t.pointer(element);
    Tile bias = t.pointer(element);
    Tile output = t.pointer(element);
    List<Columns> columns = blocks().parts(t);
    Tile block = t.subtract(t.constant(blocks().down() - 1), t.programId('x'));
    List<BlockAddress> places =
        columns.stream().map(part -> blocks().place(t, block, part)).toList();
    List<Tile> addedBias = d == null ? null : vectors(t, d, columns); // [1,w]
    List<Tile> factors = vectors(t, weight, columns); // [1,w]
    List<Tile> biases = vectors(t, bias, columns); // [1,w]
    Normal normal = normal(t, x, added, addedBias, places, columns);
    for (int i = 0; i < columns.size(); i++) {
      Tile y = t.add(t.multiply(normal.values.get(i), factors.get(i)), biases.get(i)); // [m,w]
      t.store(places.get(i).in(t, output), y, places.get(i).mask());
    }
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
    MatrixBlocks blocks = blocks();
    List<Columns> columns = blocks.parts(t);
    Tile program = t.programId('x');
    List<Tile> addedBias = d == null ? null : vectors(t, d, columns); // [1,w]
    List<Tile> factors = vectors(t, weight, columns); // [1,w]
    Tile none = t.full(0, blocks.height(), blocks.width()); // [m,w]
    int count = columns.size();
    List<Tile> sums =
        t.loop(
            program,
            t.constant(blocks.down()),
            programs(),
            Collections.nCopies(count * results.size(), none),
            (block, before) -> {
              List<BlockAddress> places =
                  columns.stream().map(part -> blocks.place(t, block, part)).toList();
              Normal normal = normal(t, x, added, addedBias, places, columns);
              List<Tile> z = normal.values;
              List<Tile> dy = each(places, i -> places.get(i).load(t, dOutput)); // [m,w]
              List<Tile> g = each(dy, i -> t.multiply(dy.get(i), factors.get(i))); // [m,w]
              Tile along = mean(t, each(g, i -> t.multiply(g.get(i), z.get(i)))); // [m,1]
              Tile mean = mean(t, g); // [m,1]
              List<Tile> ds =
                  each(
                      g,
                      i -> {
                        Tile remaining = t.subtract(g.get(i), mean); // [m,w]
                        remaining = t.subtract(remaining, t.multiply(z.get(i), along)); // [m,w]
                        return t.multiply(remaining, normal.scale); // [m,w]
                      });
              for (int i = 0; i < count; i++) {
                t.store(places.get(i).in(t, dSum), ds.get(i), places.get(i).mask());
              }
              List<Tile> all = new ArrayList<>(each(z, i -> t.multiply(dy.get(i), z.get(i))));
              all.addAll(dy);
              all.addAll(biased ? ds : List.of());
              return each(all, i -> t.add(before.get(i), all.get(i))); // [m,w]
            });
    Tile start = t.multiply(program, t.constant(c));
    for (int i = 0; i < sums.size(); i++) {
      Columns part = columns.get(i % count);
      Tile places = t.add(start, part.numbers()); // [w]
      t.store(t.offset(results.get(i / count), places), t.sum(sums.get(i), 0), part.mask());
    }
    return t.toString();
  }
}
