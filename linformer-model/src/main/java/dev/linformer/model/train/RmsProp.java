package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.Scalars;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TInt64;
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

  /** Makes every check. */
  public RmsProp {
    Optimizer.requireShare("rho", rho);
    Optimizer.requireShare("momentum", momentum);
    Optimizer.requirePositive("epsilon", epsilon);
    Optimizer.requireDecay(weightDecay);
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
  public <T extends TFloating> Rule<T> rule(Ops tf, Operand<T> learningRate, Operand<TInt64> step) {
    Class<T> type = learningRate.type();
    Operand<T> share = Scalars.of(tf, rho, type);
    Operand<T> mu = Scalars.of(tf, momentum, type);
    Operand<T> small = Scalars.of(tf, epsilon, type);
    return (ops, variable, slots, gradient) ->
        ops.train.applyRmsProp(
            variable, slots.get(0), slots.get(1), learningRate, share, mu, small, gradient);
  }

  @Override
  public void write(ObjectNode json) {
    json.put("rho", rho).put("momentum", momentum).put("epsilon", epsilon);
  }
}
