package dev.linformer.model.train;

import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.Scalars;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Adam with decoupled weight decay, arXiv 1711.05101: with t counted from 1,
 *
 * <pre>
 * w ← w·(1 − η·λ)
 * m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²
 * w ← w − η·(m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε)
 * </pre>
 *
 * the numbers of {@code torch.optim.AdamW}. TensorFlow's framework has an Adam, but it moves its
 * powers of β in no fixed order with the updates, so that its first steps differ from run to run.
 * Here t is an argument, and no weight changes before every gradient is computed.
 *
 * @param beta1 β₁
 * @param beta2 β₂
 * @param epsilon ε
 * @param weightDecay λ; on weights of two or more axes, not on biases and norms
 */
public record AdamW(double beta1, double beta2, double epsilon, double weightDecay) {

  /**
   * Adds one update of all weights.
   *
   * @param gradients one a weight, in the same order
   * @param learningRate η, a scalar
   * @param step t, a scalar, 1 at the first update
   * @param slots where m and v go: two variables a weight
   * @return done when every weight is changed
   */
  public <T extends TFloating> Op update(
      Ops tf,
      List<Weight<T>> weights,
      List<Operand<T>> gradients,
      Operand<T> learningRate,
      Operand<TInt64> step,
      Variables<T> slots) {
    Class<T> type = learningRate.type();
    Operand<T> b1 = Scalars.of(tf, beta1, type);
    Operand<T> b2 = Scalars.of(tf, beta2, type);
    Operand<T> t = tf.dtypes.cast(step, type);
    Operand<T> power1 = tf.math.pow(b1, t); // β₁ᵗ
    Operand<T> power2 = tf.math.pow(b2, t); // β₂ᵗ
    // TensorFlow's kernel adds its epsilon to √v before the correction: √v + ε·√(1 − β₂ᵗ).
    Operand<T> correction = tf.math.sqrt(tf.math.sub(Scalars.of(tf, 1, type), power2));
    Operand<T> kernelEpsilon = tf.math.mul(Scalars.of(tf, epsilon, type), correction);
    Operand<T> decay = tf.math.mul(learningRate, Scalars.of(tf, weightDecay, type)); // η·λ

    Ops after = tf.withControlDependencies(new ArrayList<Op>(gradients));
    List<Op> updates = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      Weight<T> weight = weights.get(i);
      Parameter parameter = weight.parameter();
      Weight<T> m = slot(slots, parameter, "m");
      Weight<T> v = slot(slots, parameter, "v");
      Ops next = after;
      if (weightDecay != 0 && parameter.shape().numDimensions() > 1) {
        Operand<T> share = after.math.mul(weight.value(), decay);
        next = tf.withControlDependencies(after.assignSub(weight.variable(), share));
      }
      updates.add(
          next.train.applyAdam(
              weight.variable(),
              m.variable(),
              v.variable(),
              power1,
              power2,
              learningRate,
              b1,
              b2,
              kernelEpsilon,
              gradients.get(i)));
    }
    return tf.withControlDependencies(updates).noOp();
  }

  private static <T extends TFloating> Weight<T> slot(
      Variables<T> slots, Parameter parameter, String name) {
    slots.create(
        new Parameter(parameter.name() + "." + name, parameter.shape(), Initialization.ZEROS));
    return slots.weights().get(slots.weights().size() - 1);
  }
}
