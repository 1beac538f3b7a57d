package dev.linformer.ops.internal.fused;

import dev.linformer.ops.internal.fused.AttentionTiling.Block;
import dev.linformer.ops.internal.fused.HeadPointers.RowRange;
import dev.linformer.ops.internal.kernel.KernelText;
import dev.linformer.ops.internal.kernel.Tile;
import java.util.List;

/** The loops of a kernel that works by rows: over heads, and over the keys of a head. */
final class AttentionLoops {

  private final KernelText t;
  private final AttentionTiling tiling;

  /**
   * @param t the kernel that is written
   */
  AttentionLoops(KernelText t, AttentionTiling tiling) {
    this.t = t;
    this.tiling = tiling;
  }

  /** What a turn over heads, or over blocks of keys, does. */
  interface Turn {

    /**
     * @param number of the head, or of the block's first key
     * @param before what is carried from turn to turn
     * @return what is carried after this turn
     */
    List<Tile> run(Tile number, List<Tile> before);
  }

  /** All keys, a block at a time. */
  List<Tile> overKeys(Block block, List<Tile> start, Turn turn) {
    Tile zero = t.constant(0);
    return tiling.keyBlocks(block) == 1
        ? turn.run(zero, start)
        : t.loop(zero, t.constant(tiling.k()), block.keys(), start, turn::run);
  }

  /**
   * All heads in a program if they share something that it adds up, else one, in a loop too:
   * outside of one, XLA of TensorFlow 2.18 crashes at a product whose left factor is rounded to
   * bfloat16.
   *
   * @param together whether they do
   * @param program number of the program on the grid's second axis
   */
  List<Tile> overHeads(boolean together, Tile program, List<Tile> start, Turn turn) {
    Tile from = together ? t.constant(0) : t.rem(program, t.constant(tiling.h()));
    Tile to =
        together
            ? t.constant(tiling.h())
            : t.minimum(t.add(from, t.constant(1)), t.constant(tiling.h()));
    return t.loop(from, to, 1, start, turn::run);
  }

  /** The sequence of a program, see {@link #overHeads}. */
  Tile batch(boolean together, Tile program) {
    return together ? program : t.divide(program, t.constant(tiling.h()));
  }

  /** The sequence and head of a program together: their number in [b,h]. */
  Tile pair(Tile batch, Tile head) {
    return t.add(t.multiply(batch, t.constant(tiling.h())), head);
  }

  /**
   * Scores of a block of keys, −∞ where padded: no weight, however small the others are.
   *
   * @param query [m,p]
   * @param key [k,p]
   * @return [m,k]
   */
  Tile scores(Tile query, Tile key, RowRange keys) {
    Tile s = t.dot(query, t.transpose(key)); // [m,k]
    if (keys.mask() == null) {
      return s;
    }
    return t.select(
        t.row(keys.mask()),
        s,
        t.full(Float.NEGATIVE_INFINITY, s.shape().toArray(new Integer[0]))); // [m,k]
  }
}
