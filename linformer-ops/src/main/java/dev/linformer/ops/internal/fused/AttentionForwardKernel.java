package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.fused.AttentionTiling.Block;
import dev.linformer.ops.internal.fused.HeadPointers.RowRange;
import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernel of o = softmax(q·Kᵀ)·V, see {@link AttentionTiling}.
 *
 * <p>Arguments: q [b,n,p or h·p], K [b,h,k,p], V [b,h,k,r], or [b,h,r,k] if {@link
 * AttentionTiling#transposed}; results: o [b,n,r or h·r], log Σ exp [b,h,n] in float32. Grid:
 * {@link AttentionTiling#forwardPrograms}, b or b·h.
 */
final class AttentionForwardKernel {

  private static final int LEAST_KEYS = 64; // of a half

  private final AttentionTiling tiling;
  private final KernelText t;
  private final HeadPointers pointers;
  private final AttentionLoops loops;
  private final Tile q;
  private final Tile keys;
  private final Tile values;
  private final Tile output;
  private final Tile logs;

  private AttentionForwardKernel(AttentionTiling tiling, String name) {
    this.tiling = tiling;
    t = new KernelText(name);
    pointers = new HeadPointers(t, tiling);
    loops = new AttentionLoops(t, tiling);
    q = t.pointer(tiling.element());
    keys = t.pointer(tiling.element());
    values = t.pointer(tiling.element());
    output = t.pointer(tiling.element());
    logs = t.pointer("f32");
  }

  /** The kernel as Triton IR, under a name. */
  static String text(AttentionTiling tiling, String name) {
    var kernel = new AttentionForwardKernel(tiling, name);
    if (tiling.keepsKeys()) {
      kernel.keepingKeys();
    } else {
      kernel.byBlocks();
    }
    return kernel.t.toString();
  }

  /** Some keys of a head and their values, [k,p] and [k,r]. */
  private record KeyBlock(RowRange range, Tile key, Tile value) {}

  /**
   * The keys of a head are loaded once for many blocks of rows, in two halves: a lane goes through
   * its scores one by one, for the largest and for the sum, and through half as many if those of
   * both halves meet first. The last rows, which the product before may have left in the cache,
   * come first; the sum, for which threads wait for each other, comes after the products.
   */
  private void keepingKeys() {
    Block block = tiling.forwardBlock();
    int m = block.rows();
    Tile pair = t.programId('y');
    Tile batch = t.divide(pair, t.constant(tiling.h()));
    Tile head = t.rem(pair, t.constant(tiling.h()));
    int half = block.keys() < 2 * LEAST_KEYS ? block.keys() : block.keys() / 2;
    List<KeyBlock> halves = new ArrayList<>();
    for (int first = 0; first < block.keys(); first += half) {
      RowRange range = pointers.keys(t.constant(first), half);
      halves.add(
          new KeyBlock(
              range,
              pointers.loadKeys(keys, pair, range, tiling.p()), // [k,p]
              pointers.loadKeys(values, pair, range, tiling.r()))); // [k,r]
    }
    Tile start = t.full(0, m); // a loop carries something
    Tile last = t.constant((block.count(tiling.n()) - 1) * m);
    t.loop(
        t.multiply(t.programId('x'), t.constant(m)),
        t.constant(tiling.n()),
        m * tiling.forwardPrograms(),
        List.of(start),
        (row, before) -> {
          RowRange rows = pointers.rows(t.subtract(last, row), m);
          Tile query = pointers.loadRows(q, batch, head, rows, false, tiling.p()); // [m,p]
          List<Tile> s =
              halves.stream().map(each -> loops.scores(query, each.key, each.range)).toList();
          Tile max = t.max(s.stream().reduce(t::maximum).orElseThrow(), 1); // [m]
          Tile scaled = t.column(toBase2(max)); // [m,1]
          List<Tile> e = s.stream().map(a -> t.exp2(t.subtract(toBase2(a), scaled))).toList();
          Tile sums = e.stream().reduce(t::add).orElseThrow(); // [m,k]
          Tile mixed = t.full(0, m, AttentionTiling.padded(tiling.r())); // [m,r]
          for (int i = 0; i < halves.size(); i++) {
            mixed = t.dot(pointers.factor(e.get(i)), halves.get(i).value, mixed); // [m,r]
          }
          Tile total = t.sum(sums, 1); // [m]
          t.store(pointers.perRow(logs, pair, rows), t.add(max, t.log(total)), rows.mask());
          Tile share = t.column(t.divide(t.full(1, m), total)); // [m,1]
          pointers.storeRows(
              output, batch, head, rows, false, tiling.r(), t.multiply(mixed, share));
          return before;
        });
  }

  /** An exponent of e as an exponent of two. */
  private Tile toBase2(Tile x) {
    return t.multiply(x, t.full((float) (1 / Math.log(2)), x.shape().toArray(new Integer[0])));
  }

  /** A block of keys after another, and what is known of a row so far is shrunk each time. */
  private void byBlocks() {
    Block block = tiling.forwardBlock();
    int m = block.rows();
    RowRange rows = pointers.rows(t.multiply(t.programId('x'), t.constant(m)), m);
    Tile program = t.programId('y');
    Tile batch = loops.batch(tiling.sumOutput(), program);
    Tile shared =
        tiling.oneQuery()
            ? pointers.loadRows(q, batch, program, rows, true, tiling.p()) // [m,p]
            : null;
    Tile zeros = t.full(0, m, AttentionTiling.padded(tiling.r())); // [m,r]
    List<Tile> start =
        List.of(t.full(Float.NEGATIVE_INFINITY, m), t.full(0, m), zeros); // [m], [m], [m,r]
    List<Tile> sum =
        loops.overHeads(
            tiling.sumOutput(),
            program,
            List.of(zeros),
            (head, before) -> {
              Tile pair = loops.pair(batch, head);
              Tile query =
                  shared == null
                      ? pointers.loadRows(q, batch, head, rows, false, tiling.p()) // [m,p]
                      : shared;
              List<Tile> state =
                  loops.overKeys(
                      block, start, (first, known) -> update(query, pair, first, block, known));
              Tile log = t.add(state.get(0), t.log(state.get(1))); // [m]
              t.store(pointers.perRow(logs, pair, rows), log, rows.mask());
              Tile share = t.divide(t.full(1, m), state.get(1)); // [m]
              return List.of(
                  t.add(before.get(0), t.multiply(state.get(2), t.column(share)))); // [m,r]
            });
    Tile head = t.rem(program, t.constant(tiling.h()));
    pointers.storeRows(output, batch, head, rows, tiling.sumOutput(), tiling.r(), sum.get(0));
  }

  /**
   * One block of keys more.
   *
   * @param known the largest score [m], the sum of exponentials [m] and the mixture [m,r] so far
   */
  private List<Tile> update(Tile query, Tile pair, Tile first, Block block, List<Tile> known) {
    RowRange range = pointers.keys(first, block.keys());
    Tile s = loops.scores(query, pointers.loadKeys(keys, pair, range, tiling.p()), range); // [m,k]
    Tile max = t.maximum(known.get(0), t.max(s, 1)); // [m]
    Tile e = t.exp(t.subtract(s, t.column(max))); // [m,k]
    Tile shrunk = t.exp(t.subtract(known.get(0), max)); // [m]
    Tile total = t.add(t.multiply(known.get(1), shrunk), t.sum(e, 1)); // [m]
    Tile kept = t.multiply(known.get(2), t.column(shrunk)); // [m,r]
    Tile value =
        tiling.transposed()
            ? pointers.loadTransposedKeys(values, pair, range, tiling.r()) // [k,r]
            : pointers.loadKeys(values, pair, range, tiling.r()); // [k,r]
    return List.of(max, total, t.dot(pointers.factor(e), value, kept));
  }
}
