package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * Adagrad (Duchi, Hazan and Singer 2011): s ← s + g² from 0 on and w ← w − η·g/(√s + ε), the
 * numbers of {@code torch.optim.Adagrad}. The framework's starts s at 0.1 and has no ε.
 *
 * @param epsilon ε
 * @param weightDecay λ
 */
public record Adagrad(double epsilon, double weightDecay) implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "adagrad";

  /** ε = 10⁻¹⁰ and no decay. */
  public Adagrad() {
    this(1e-10, 0);
  }

  /** Makes every check. */
  public Adagrad {
    Ranges.requirePositive("epsilon", epsilon);
    Ranges.requireDecay(weightDecay);
  }

  @Override
  public String word() {
    return NAME;
  }

  @Override
  public List<String> slots() {
    return List.of("s");
  }

  @Override
  public <T extends TFloating> Rule<T> rule(UpdateStep<T> step) {
    Operand<T> smallest = step.scalar(epsilon);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdagradV2(variable, slots.get(0), step.learningRate(), smallest, gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("epsilon", epsilon);
  }
}
