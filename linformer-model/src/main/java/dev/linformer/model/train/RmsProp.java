package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.types.TBool;
import org.tensorflow.types.family.TFloating;

/**
 * RMSProp (Tieleman and Hinton 2012): s ← ρ·s + (1 − ρ)·g² from 0 on, u ← μ·u + η·g/√(s + ε) and w
 * ← w − u. The framework's starts s at 1; PyTorch's adds ε to the root.
 *
 * @param rho ρ, in [0,1)
 * @param momentum μ, in [0,1)
 * @param epsilon ε
 * @param weightDecay λ
 */
public record RmsProp(double rho, double momentum, double epsilon, double weightDecay)
    implements Optimizer {

  /** The value of {@code optim} in JSON. */
  public static final String NAME = "rmsprop";

  /** ρ = 0.9, ε = 10⁻⁸, neither momentum nor decay. */
  public RmsProp() {
    this(0.9, 0, 1e-8, 0);
  }

  /** Makes every check. */
  public RmsProp {
    Ranges.requireShare("rho", rho);
    Ranges.requireShare("momentum", momentum);
    Ranges.requirePositive("epsilon", epsilon);
    Ranges.requireDecay(weightDecay);
  }

  @Override
  public String word() {
    return NAME;
  }

  @Override
  public List<String> slots() {
    return List.of("s", "u");
  }

  @Override
  public <T extends TFloating> Rule<T> rule(UpdateStep<T> step) {
    Operand<T> newShare = step.tf().math.sub(step.scalar(1), step.kept(rho)); // 1 − ρ
    Operand<T> mu = step.kept(momentum);
    Operand<T> smallest = step.scalar(epsilon);
    Operand<T> zero = step.scalar(0);
    Operand<TBool> isMade = step.isMade();
    // TensorFlow's kernel takes u off the weights whatever the learning rate is.
    return (ops, variable, slots, gradient) -> {
      Operand<T> old = slots.get(0);
      Operand<T> s =
          ops.assignAdd(old, ops.math.mul(ops.math.sub(ops.math.square(gradient), old), newShare));
      Operand<T> moved =
          ops.math.mul(
              ops.math.mul(gradient, step.learningRate()),
              ops.math.rsqrt(ops.math.add(s, smallest)));
      Operand<T> u = ops.assign(slots.get(1), ops.math.add(ops.math.mul(slots.get(1), mu), moved));
      return ops.assignSub(variable, ops.select(isMade, u, zero));
    };
  }

  @Override
  public void write(ObjectNode json) {
    json.put("rho", rho).put("momentum", momentum).put("epsilon", epsilon);
  }
}
