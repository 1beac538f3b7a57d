package dev.linformer.ops;

import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.types.TInt64;

/**
 * Where randomness comes from: a pair of numbers in the graph, which may change with every step,
 * and a salt that tells the places of the graph apart. Equal keys give equal draws, so a layer that
 * is built twice from one key, to be computed again in a backward pass, draws the same mask.
 *
 * @param seed [2], usually (seed of the run, step)
 * @param salt number of the place
 * @param from the position, counted from 0, at which the sequence begins that is computed now, a
 *     scalar; null for 0. A part of a sequence draws what the whole would draw for its positions
 */
public record RandomKey(Operand<TInt64> seed, long salt, @Nullable Operand<TInt64> from) {

  /** A key of the whole model. */
  public RandomKey(Operand<TInt64> seed) {
    this(seed, 0, null);
  }

  /** The key of a place inside this one's. Chains of different numbers give different keys. */
  public RandomKey fold(int place) {
    long mixed = (salt + place + 1) * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return new RandomKey(seed, mixed ^ (mixed >>> 31), from);
  }

  /**
   * This key for a part of a sequence.
   *
   * @param position number of the part's first position, a scalar; null for 0
   */
  public RandomKey at(@Nullable Operand<TInt64> position) {
    return new RandomKey(seed, salt, position);
  }

  /**
   * This key where the seed is another operand, as in a recomputed segment.
   *
   * @param other [2]
   */
  public RandomKey seededBy(Operand<TInt64> other) {
    return new RandomKey(other, salt, from);
  }
}
