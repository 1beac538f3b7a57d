package dev.linformer.ops.internal.attention;

import dev.linformer.ops.Dropout;
import dev.linformer.ops.RandomKey;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Dropout on P̄, and which heads and positions of an attention are computed: what a head draws for
 * a position does not depend on what is computed along with it.
 *
 * @param rate share of the values that are dropped, in [0,1)
 * @param key null outside training; then nothing is dropped
 * @param headNumbers numbers of the computed heads in the whole attention, [h]; null for 0 … h − 1
 * @param firstPosition number of the first computed position in the whole sequence, a scalar; null
 *     for 0
 */
public record AttentionDropout(
    double rate,
    @Nullable RandomKey key,
    @Nullable Operand<TInt64> headNumbers,
    @Nullable Operand<TInt64> firstPosition) {

  /** Nothing is dropped, as outside training. */
  public static final AttentionDropout NONE = new AttentionDropout(0, null);

  /** Of all heads and positions. */
  public AttentionDropout(double rate, @Nullable RandomKey key) {
    this(rate, key, null, null);
  }

  /** Whether there will be a backward pass. */
  boolean training() {
    return key != null;
  }

  /** This dropout with the key of a place inside, see {@link RandomKey#fold}. */
  AttentionDropout fold(int place) {
    return new AttentionDropout(
        rate, key == null ? null : key.fold(place), headNumbers, firstPosition);
  }

  /**
   * Drops values of P̄.
   *
   * @param p [b,h,n,k], or [b,n,h,k]
   * @param headAxis 1 or 2
   * @return the shape of p
   * @throws IllegalArgumentException if the rate is out of its range
   */
  <T extends TFloating> Operand<T> apply(Ops tf, Operand<T> p, int headAxis) {
    RandomKey draws = key == null || firstPosition == null ? key : key.at(firstPosition);
    return Dropout.ofHeads(tf, p, headAxis, headNumbers, rate, draws);
  }
}
