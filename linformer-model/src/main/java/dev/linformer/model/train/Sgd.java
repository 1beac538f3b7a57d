package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.train.ApplyMomentum;
import org.tensorflow.types.family.TFloating;

/**
 * Gradient descent, with momentum if that is above 0: u ← μ·u + g and w ← w − η·u, the numbers of
 * {@code torch.optim.SGD} without dampening. With Nesterov's: w ← w − η·(g + μ·u).
 *
 * @param momentum μ, in [0,1)
 * @param nesterov whether the step looks ahead; only with momentum
 * @param weightDecay λ
 */
public record Sgd(double momentum, boolean nesterov, double weightDecay) implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "sgd";

  /** Neither momentum nor decay. */
  public Sgd() {
    this(0, false, 0);
  }

  /** Makes every check. */
  public Sgd {
    Ranges.requireShare("momentum", momentum);
    Ranges.require("nesterov", nesterov, !nesterov || momentum > 0, "false without momentum");
    Ranges.requireDecay(weightDecay);
  }

  @Override
  public String word() {
    return NAME;
  }

  @Override
  public List<String> slots() {
    return momentum == 0 ? List.of() : List.of("u");
  }

  @Override
  public <T extends TFloating> Rule<T> rule(UpdateStep<T> step) {
    if (momentum == 0) {
      return (ops, variable, slots, gradient) ->
          ops.train.applyGradientDescent(variable, step.learningRate(), gradient);
    }
    Operand<T> mu = step.kept(momentum);
    return (ops, variable, slots, gradient) ->
        ops.train.applyMomentum(
            variable,
            slots.get(0),
            step.learningRate(),
            gradient,
            mu,
            ApplyMomentum.useNesterov(nesterov));
  }

  @Override
  public void write(ObjectNode json) {
    json.put("momentum", momentum).put("nesterov", nesterov);
  }
}
