package dev.linformer.ops.projection;

import java.util.function.Function;
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
 *
 * <pre>{@code
 * SequenceProjection<TFloat32> e = new LearnedProjection<>(weight, bias); // [k,n], [k]
 * Operand<TFloat32> y = e.addBias(tf, e.compress(tf, x)); // [b,h,n,d] → [b,h,k,d]
 * }</pre>
 *
 * @param <T> type of the weights and of what is compressed
 */
public sealed interface SequenceProjection<T extends TFloating>
    permits LearnedProjection, ConvolutionProjection, PoolingProjection, IdentityProjection {

  /** Whether {@link #compress} may take the source itself, before heads are made of it. */
  boolean beforeHeads();

  /** Whether heads are compressed in ways of their own. */
  boolean perHead();

  /**
   * The compressed length {@code k}.
   *
   * @param length of what is compressed, at most n
   */
  long projectedLength(long length);

  /**
   * Compresses, without a bias where that has to come after the weights of keys and values.
   *
   * @param x [b,h,n,d], or if {@link #beforeHeads} the source, [b,n,c]; n may be shorter than the
   *     projection was made for: the missing positions count as zeros
   * @return [b,h,k,d]; of the source [b,k,c], or [b,h,k,c] if {@link #perHead}
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

  /** {@code w}, the positions of a window; 0 if it has none. */
  long window();

  /** This projection on k of its windows, for [b,h,k·w,d]; itself if it has none. */
  SequenceProjection<T> onWindows(long k);

  /** A projection like this with each weight replaced. */
  <U extends TFloating> SequenceProjection<U> map(Function<Operand<T>, Operand<U>> replace);
}
