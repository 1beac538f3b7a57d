package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.internal.Scalars;
import java.util.List;
import org.tensorflow.Operand;
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
public record AdamW(double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "adamw";

  /** Makes every check. */
  public AdamW {
    Optimizer.requireShare("adam_beta1", beta1);
    Optimizer.requireShare("adam_beta2", beta2);
    Optimizer.requirePositive("adam_epsilon", epsilon);
    Optimizer.requireDecay(weightDecay);
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
  public <T extends TFloating> Rule<T> rule(Ops tf, Operand<T> learningRate, Operand<TInt64> step) {
    Class<T> type = learningRate.type();
    Operand<T> b1 = Scalars.of(tf, beta1, type);
    Operand<T> b2 = Scalars.of(tf, beta2, type);
    Operand<T> t = tf.dtypes.cast(step, type);
    Operand<T> power1 = tf.math.pow(b1, t); // β₁ᵗ
    Operand<T> power2 = tf.math.pow(b2, t); // β₂ᵗ
    // TensorFlow's kernel adds its epsilon to √v before the correction: √v + ε·√(1 − β₂ᵗ).
    Operand<T> correction = tf.math.sqrt(tf.math.sub(Scalars.of(tf, 1, type), power2));
    Operand<T> kernelEpsilon = tf.math.mul(Scalars.of(tf, epsilon, type), correction);
    Operand<T> kept1 = Optimizer.kept(tf, beta1, learningRate);
    Operand<T> kept2 = Optimizer.kept(tf, beta2, learningRate);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdam(
            variable,
            slots.get(0),
            slots.get(1),
            power1,
            power2,
            learningRate,
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
