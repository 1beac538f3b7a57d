package dev.linformer.ops;

import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * Linear, activation, dropout, Linear, dropout, at every position by itself.
 *
 * @param first c → f
 * @param second f → c
 */
public record FeedForward<T extends TFloating>(
    Dense<T> first, Dense<T> second, Activation activation) {

  /** Weights {@code name.w_1.*} [f,c] and {@code name.w_2.*} [c,f]. */
  public static <T extends TFloating> FeedForward<T> declare(
      ParameterFactory<T> parameters,
      String name,
      long channels,
      long feedForwardDim,
      Activation activation) {
    return new FeedForward<>(
        Dense.declare(parameters, name + ".w_1", channels, feedForwardDim),
        Dense.declare(parameters, name + ".w_2", feedForwardDim, channels),
        activation);
  }

  /**
   * @param x [b,n,c]
   * @param dropout rate of both dropouts, in [0,1)
   * @param key null outside training
   * @return [b,n,c]
   */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    Operand<T> hidden = activation.call(tf, first.call(tf, x)); // [b,n,f]
    hidden = Dropout.apply(tf, hidden, dropout, key == null ? null : key.fold(0)); // [b,n,f]
    Operand<T> y = second.call(tf, hidden); // [b,n,c]
    return Dropout.apply(tf, y, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }
}
