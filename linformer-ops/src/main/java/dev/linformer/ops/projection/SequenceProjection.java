package dev.linformer.ops.projection;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * A way of compressing a sequence of n positions to k: what stands between keys or values and the
 * attention.
 *
 * <p>Sealed, because attention asks one question of it: may it go before the weights of keys and
 * values? A weighted sum of positions that is the same for all heads may, since E(xW) = (Ex)W, and
 * then keys and values of all n positions are never made.
 */
public sealed interface SequenceProjection<T extends TFloating>
    permits LearnedProjection, ConvolutionProjection, PoolingProjection, IdentityProjection {

  /** Whether {@link #compress} takes the source itself, before heads are made of it. */
  boolean beforeHeads();

  /**
   * Compresses, without a bias where that has to come after the weights of keys and values.
   *
   * @param x [b,n,c] if {@link #beforeHeads}, else [b,h,n,d]; n may be shorter than the projection
   *     was made for: the missing positions count as zeros
   * @return [b,k,c] or [b,h,k,d]
   * @throws IllegalArgumentException if x is longer than the projection or of another rank
   */
  Operand<T> compress(Ops tf, Operand<T> x);

  /**
   * Adds what {@link #compress} left out.
   *
   * @param y [b,h,k,d]
   * @return [b,h,k,d]
   */
  Operand<T> addBias(Ops tf, Operand<T> y);
}
