package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.fused.AttentionLoops.Turn;
import dev.linformer.ops.internal.fused.AttentionTiling.Block;
import dev.linformer.ops.internal.fused.HeadPointers.RowRange;
import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of dq = dS·K, which works by rows, see {@link AttentionTiling}.
 *
 * <p>Arguments: q, K, V [b,h,k,r], do, log Σ exp, o unless it is a sum over heads, and Kᵀ [b,h,p,k]
 * if {@link AttentionTiling#transposed}; results: dq, of the shape of q, and δ [b,h,n] in float32.
 * Grid: blocks of rows, b or b·h.
 */
final class AttentionQueryGradientKernel {

  private final AttentionTiling tiling;
  private final KernelText t;
  private final HeadPointers pointers;
  private final AttentionLoops loops;
  private final Block block;
  private final Tile q;
  private final Tile keys;
  private final Tile values;
  private final Tile dOutput;
  private final Tile logs;
  private final @Nullable Tile output;
  private final @Nullable Tile transposedKeys;
  private final Tile dQuery;
  private final Tile deltas;

  private AttentionQueryGradientKernel(AttentionTiling tiling, String name) {
    this.tiling = tiling;
    t = new KernelText(name);
    pointers = new HeadPointers(t, tiling);
    loops = new AttentionLoops(t, tiling);
    block = tiling.rowBlock();
    q = t.pointer(tiling.element());
    keys = t.pointer(tiling.element());
    values = t.pointer(tiling.element());
    dOutput = t.pointer(tiling.element());
    logs = t.pointer("f32");
    output = tiling.sumOutput() ? null : t.pointer(tiling.element());
    transposedKeys = tiling.transposed() ? t.pointer(tiling.element()) : null;
    dQuery = t.pointer(tiling.element());
    deltas = t.pointer("f32");
  }

  /** The kernel as Triton IR, under a name. */
  static String text(AttentionTiling tiling, String name) {
    var kernel = new AttentionQueryGradientKernel(tiling, name);
    kernel.write();
    return kernel.t.toString();
  }

  private void write() {
    int m = block.rows();
    RowRange rows = pointers.rows(t.multiply(t.programId('x'), t.constant(m)), m);
    Tile program = t.programId('y');
    boolean oneQuery = tiling.oneQuery();
    Tile batch = loops.batch(oneQuery, program);
    Tile query =
        oneQuery ? pointers.loadRows(q, batch, program, rows, true, tiling.p()) : null; // [m,p]
    Tile dOut =
        tiling.sumOutput()
            ? pointers.loadRows(dOutput, batch, program, rows, true, tiling.r()) // [m,r]
            : null;
    List<Tile> sum =
        loops.overHeads(
            oneQuery,
            program,
            List.of(t.full(0, m, AttentionTiling.padded(tiling.p()))),
            (head, before) -> {
              Tile pair = loops.pair(batch, head);
              Tile x =
                  query == null
                      ? pointers.loadRows(q, batch, head, rows, false, tiling.p()) // [m,p]
                      : query;
              Tile dy =
                  dOut == null
                      ? pointers.loadRows(dOutput, batch, head, rows, false, tiling.r()) // [m,r]
                      : dOut;
              Tile log = t.load(pointers.perRow(logs, pair, rows), rows.mask()); // [m]
              return ofHead(new HeadRows(batch, head, pair, rows, x, dy, log), before);
            });
    Tile head = t.rem(program, t.constant(tiling.h()));
    pointers.storeRows(dQuery, batch, head, rows, oneQuery, tiling.p(), sum.get(0));
  }

  /** Some rows of a head: queries [m,p], the output's gradient [m,r], log Σ exp [m]. */
  private record HeadRows(
      Tile batch, Tile head, Tile pair, RowRange rows, Tile query, Tile dOutput, Tile log) {}

  /** What a head adds to dq, [m,p]; stores its δ. */
  private List<Tile> ofHead(HeadRows head, List<Tile> before) {
    Mixture only = tiling.keyBlocks(block) == 1 ? mixture(head, t.constant(0)) : null;
    Tile delta; // [m]
    if (output == null) {
      Turn products =
          (first, sums) -> {
            Mixture mixture = only == null ? mixture(head, first) : only;
            Tile product = t.multiply(mixture.p, mixture.dP); // [m,k]
            return List.of(t.add(sums.get(0), t.sum(product, 1))); // [m]
          };
      delta = loops.overKeys(block, List.of(t.full(0, block.rows())), products).get(0);
    } else {
      Tile y =
          pointers.loadRows(output, head.batch, head.head, head.rows, false, tiling.r()); // [m,r]
      delta = t.sum(t.multiply(t.cast(y, "f32"), t.cast(head.dOutput, "f32")), 1);
    }
    t.store(pointers.perRow(deltas, head.pair, head.rows), delta, head.rows.mask());
    return loops.overKeys(
        block,
        before,
        (first, sums) -> {
          Mixture mixture = only == null ? mixture(head, first) : only;
          Tile dS = t.multiply(mixture.p, t.subtract(mixture.dP, t.column(delta))); // [m,k]
          Tile key = mixture.key; // [k,p]
          if (transposedKeys != null) {
            RowRange range = pointers.keys(first, block.keys());
            key =
                pointers.loadTransposedKeys(transposedKeys, head.pair, range, tiling.p()); // [k,p]
          }
          return List.of(t.dot(pointers.factor(dS), key, sums.get(0))); // [m,p]
        });
  }

  /** P and dP of a block of keys, [m,k], and the keys, [k,p]. */
  private record Mixture(Tile p, Tile dP, Tile key) {}

  private Mixture mixture(HeadRows head, Tile first) {
    RowRange range = pointers.keys(first, block.keys());
    Tile key = pointers.loadKeys(keys, head.pair, range, tiling.p()); // [k,p]
    // Asked for before the scores need time.
    Tile value = pointers.loadKeys(values, head.pair, range, tiling.r()); // [k,r]
    Tile s = loops.scores(head.query, key, range); // [m,k]
    Tile dP = t.dot(head.dOutput, t.transpose(value)); // [m,k]
    return new Mixture(t.exp(t.subtract(s, t.column(head.log))), dP, key);
  }
}
