package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.tensorflow.Operand;
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

  /** ρ = 0.9, ε = 10⁻⁶ and no decay. */
  public Adadelta() {
    this(0.9, 1e-6, 0);
  }

  /** Makes every check. */
  public Adadelta {
    Ranges.requireShare("rho", rho);
    Ranges.requirePositive("epsilon", epsilon);
    Ranges.requireDecay(weightDecay);
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
  public <T extends TFloating> Rule<T> rule(UpdateStep<T> step) {
    Operand<T> keptShare = step.kept(rho);
    Operand<T> smallest = step.scalar(epsilon);
    return (ops, variable, slots, gradient) ->
        ops.train.applyAdadelta(
            variable,
            slots.get(0),
            slots.get(1),
            step.learningRate(),
            keptShare,
            smallest,
            gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("rho", rho).put("epsilon", epsilon);
  }
}
