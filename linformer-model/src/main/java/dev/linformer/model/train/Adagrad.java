package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.internal.Scalars;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
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

  /** Makes every check. */
  public Adagrad {
    Optimizer.requirePositive("epsilon", epsilon);
    Optimizer.requireDecay(weightDecay);
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
  public <T extends TFloating> Rule<T> rule(Ops tf, Operand<T> learningRate, Operand<TInt64> step) {
    Class<T> type = learningRate.type();
    Operand<T> small = Scalars.of(tf, epsilon, type);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdagradV2(variable, slots.get(0), learningRate, small, gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("epsilon", epsilon);
  }
}
