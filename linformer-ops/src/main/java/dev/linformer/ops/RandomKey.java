package dev.linformer.ops;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;

/**
 * Where randomness comes from: a pair of numbers in the graph, which may change with every step,
 * and a salt that tells the places of the graph apart. Equal keys give equal draws, so a layer that
 * is built twice from one key, to be computed again in a backward pass, draws the same mask.
 *
 * @param seed [2], usually (seed of the run, step)
 * @param salt number of the place
 */
public record RandomKey(Operand<TInt64> seed, long salt) {

  /** A key of the whole model. */
  public RandomKey(Operand<TInt64> seed) {
    this(seed, 0);
  }

  /** The key of a place inside this one's. Chains of different numbers give different keys. */
  public RandomKey fold(int place) {
    long mixed = (salt + place + 1) * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    return new RandomKey(seed, mixed ^ (mixed >>> 31));
  }

  /** The seed of TensorFlow's stateless random operations. */
  Operand<TInt64> statelessSeed(Ops tf) {
    return tf.math.add(seed, tf.constant(new long[] {salt, 0})); // [2]
  }
}
