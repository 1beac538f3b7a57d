package dev.linformer.model.train;

import dev.linformer.ops.internal.Scalars;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * Clipping of gradients by their common norm.
 *
 * @param norm √Σg² over all gradients, before clipping
 * @param gradients each times min(1, limit/norm); 0 if the norm is no number
 */
record GradientClipping<T extends TFloating>(Operand<T> norm, List<Operand<T>> gradients) {

  /**
   * @param limit the largest norm that passes unchanged, above 0
   */
  static <T extends TFloating> GradientClipping<T> byGlobalNorm(
      Ops tf, List<Operand<T>> gradients, double limit) {
    return byGlobalNorm(tf, gradients, limit, tf.constant(true));
  }

  /**
   * Clips as {@link #byGlobalNorm(Ops, List, double)} does, and makes gradients 0 where something
   * else is no number.
   *
   * @param sound whether it is one, a scalar
   */
  static <T extends TFloating> GradientClipping<T> byGlobalNorm(
      Ops tf, List<Operand<T>> gradients, double limit, Operand<TBool> sound) {
    Class<T> type = gradients.get(0).type();
    List<Operand<T>> halves = new ArrayList<>();
    gradients.forEach(gradient -> halves.add(tf.nn.l2Loss(gradient))); // Σg²/2
    Operand<T> norm =
        tf.math.sqrt(tf.math.mul(tf.math.addN(halves), Scalars.of(tf, 2, type))); // scalar
    Operand<T> bound = Scalars.of(tf, limit, type);
    Operand<T> factor =
        tf.select(
            tf.math.logicalAnd(tf.math.isFinite(norm), sound),
            tf.math.div(bound, tf.math.maximum(norm, bound)),
            Scalars.of(tf, 0, type)); // scalar
    List<Operand<T>> clipped = new ArrayList<>();
    gradients.forEach(gradient -> clipped.add(tf.math.mulNoNan(gradient, factor)));
    return new GradientClipping<>(norm, clipped);
  }
}
