package dev.linformer.model.train;

import dev.linformer.model.Variables.Weight;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.types.family.TFloating;

/** The gradients of a loss with respect to weights. */
final class LossGradients {

  private LossGradients() {}

  /**
   * Adds the backward pass to a graph.
   *
   * @param loss a scalar
   * @return one gradient a weight, of its shape, in the weights' order
   */
  static <T extends TFloating> List<Operand<T>> of(
      Ops tf, Operand<T> loss, List<Weight<T>> weights) {
    Gradients derivatives = tf.gradients(loss, weights.stream().map(Weight::value).toList());
    List<Operand<T>> gradients = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      gradients.add(derivatives.dy(i));
    }
    return gradients;
  }
}
