package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.fused.AttentionTiling.Block;
import dev.linformer.ops.internal.fused.HeadPointers.RowRange;
import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.List;

/**
 * The kernel of dK = dSᵀ·q and dV = Pᵀ·do, which works by keys, see {@link AttentionTiling}.
 *
 * <p>Arguments: q, K, V, do, log Σ exp, δ; results: dK [slices,b,h,k,p] and dV [slices,b,h,k,r] in
 * float32. Grid: {@link AttentionTiling#slices}, b·h, {@link AttentionTiling#keyBlocks()}.
 */
final class AttentionKeyGradientKernel {

  private AttentionKeyGradientKernel() {}

  /** The kernel as Triton IR, under a name. */
  static String text(AttentionTiling tiling, String name) {
    KernelText t = new KernelText(name);
    HeadPointers pointers = new HeadPointers(t, tiling);
    Block block = tiling.keyBlock();
    int h = tiling.h();
    int p = tiling.p();
    int r = tiling.r();
    Tile q = t.pointer(tiling.element());
    Tile keys = t.pointer(tiling.element());
    Tile values = t.pointer(tiling.element());
    Tile dOutput = t.pointer(tiling.element());
    Tile logs = t.pointer("f32");
    Tile deltas = t.pointer("f32");
    Tile dKeys = t.pointer("f32");
    Tile dValues = t.pointer("f32");
    Tile slice = t.programId('x');
    Tile pair = t.programId('y');
    Tile batch = t.divide(pair, t.constant(h));
    Tile head = t.rem(pair, t.constant(h));
    RowRange range =
        pointers.keys(t.multiply(t.programId('z'), t.constant(block.keys())), block.keys());
    Tile key = pointers.loadKeys(keys, pair, range, p); // [k,p]
    Tile value = pointers.loadKeys(values, pair, range, r); // [k,r]
    Tile from = t.multiply(slice, t.constant(tiling.slice()));
    Tile to = t.minimum(t.add(from, t.constant(tiling.slice())), t.constant(tiling.n()));
    List<Tile> sums =
        t.loop(
            from,
            to,
            block.rows(),
            List.of(
                t.full(0, block.keys(), AttentionTiling.padded(p)), // [k,p]
                t.full(0, block.keys(), AttentionTiling.padded(r))), // [k,r]
            (row, before) -> {
              RowRange rows = pointers.rows(row, block.rows());
              Tile x = pointers.loadRows(q, batch, head, rows, tiling.oneQuery(), p); // [m,p]
              Tile dy =
                  pointers.loadRows(dOutput, batch, head, rows, tiling.sumOutput(), r); // [m,r]
              Tile log = t.load(pointers.perRow(logs, pair, rows), rows.mask()); // [m]
              Tile delta = t.load(pointers.perRow(deltas, pair, rows), rows.mask()); // [m]
              Tile s = t.dot(key, t.transpose(x)); // [k,m]
              Tile probability = t.exp(t.subtract(s, t.row(log))); // [k,m]
              Tile dV = t.dot(pointers.factor(probability), dy, before.get(1)); // [k,r]
              Tile dP = t.dot(value, t.transpose(dy)); // [k,m]
              Tile dS = t.multiply(probability, t.subtract(dP, t.row(delta))); // [k,m]
              return List.of(t.dot(pointers.factor(dS), x, before.get(0)), dV); // [k,p]
            });
    Tile sliceAndPair = t.add(t.multiply(slice, t.constant(Math.toIntExact(tiling.b() * h))), pair);
    pointers.storeKeys(dKeys, sliceAndPair, range, p, sums.get(0));
    pointers.storeKeys(dValues, sliceAndPair, range, r, sums.get(1));
    return t.toString();
  }
}
