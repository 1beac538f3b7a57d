package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.internal.Scalars;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Adadelta (Zeiler, arXiv 1212.5701): s ← ρ·s + (1 − ρ)·g², δ = g·√(a + ε)/√(s + ε), a ← ρ·a + (1 −
 * ρ)·δ² and w ← w − η·δ, the numbers of {@code torch.optim.Adadelta}.
 *
 * @param rho ρ, in [0,1)
 * @param epsilon ε
 * @param weightDecay λ
 */
public record Adadelta(double rho, double epsilon, double weightDecay) implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "adadelta";

  /** Makes every check. */
  public Adadelta {
    Optimizer.requireShare("rho", rho);
    Optimizer.requirePositive("epsilon", epsilon);
    Optimizer.requireDecay(weightDecay);
  }

  @Override
  public String word() {
    return NAME;
  }

  @Override
  public List<String> slots() {
    return List.of("s", "a");
  }

  @Override
  public <T extends TFloating> Rule<T> rule(Ops tf, Operand<T> learningRate, Operand<TInt64> step) {
    Class<T> type = learningRate.type();
    Operand<T> share = Optimizer.kept(tf, rho, learningRate);
    Operand<T> small = Scalars.of(tf, epsilon, type);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdadelta(
            variable, slots.get(0), slots.get(1), learningRate, share, small, gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("rho", rho).put("epsilon", epsilon);
  }
}
