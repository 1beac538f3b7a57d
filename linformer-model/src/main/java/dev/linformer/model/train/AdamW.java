package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
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
public record AdamW(double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "adamw";

  /** β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸ and λ = 0.01. */
  public AdamW() {
    this(0.9, 0.999, 1e-8, 0.01);
  }

  /** Makes every check. */
  public AdamW {
    Ranges.requireShare("adam_beta1", beta1);
    Ranges.requireShare("adam_beta2", beta2);
    Ranges.requirePositive("adam_epsilon", epsilon);
    Ranges.requireDecay(weightDecay);
  }

  @Override
  public String word() {
    return NAME;
  }

  @Override
  public List<String> slots() {
    return List.of("m", "v");
  }

  @Override
  public <T extends TFloating> Rule<T> rule(UpdateStep<T> step) {
    Ops tf = step.tf();
    Operand<T> b1 = step.scalar(beta1);
    Operand<T> b2 = step.scalar(beta2);
    Operand<T> t = tf.dtypes.cast(step.number(), step.learningRate().type());
    Operand<T> power1 = tf.math.pow(b1, t); // β₁ᵗ
    Operand<T> power2 = tf.math.pow(b2, t); // β₂ᵗ
    // TensorFlow's kernel adds its epsilon to √v before the correction: √v + ε·√(1 − β₂ᵗ).
    Operand<T> correction = tf.math.sqrt(tf.math.sub(step.scalar(1), power2));
    Operand<T> kernelEpsilon = tf.math.mul(step.scalar(epsilon), correction);
    Operand<T> kept1 = step.kept(beta1);
    Operand<T> kept2 = step.kept(beta2);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdam(
            variable,
            slots.get(0),
            slots.get(1),
            power1,
            power2,
            step.learningRate(),
            kept1,
            kept2,
            kernelEpsilon,
            gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("adam_beta1", beta1).put("adam_beta2", beta2).put("adam_epsilon", epsilon);
  }
}
