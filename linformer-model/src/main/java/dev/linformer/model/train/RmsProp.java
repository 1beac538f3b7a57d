package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.internal.Scalars;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
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
    Operand<T> fresh =
        tf.math.sub(Scalars.of(tf, 1, type), Optimizer.kept(tf, rho, learningRate)); // 1 − ρ
    Operand<T> mu = Optimizer.kept(tf, momentum, learningRate);
    Operand<T> small = Scalars.of(tf, epsilon, type);
    Operand<T> none = Scalars.of(tf, 0, type);
    Operand<TBool> made = Optimizer.made(tf, learningRate);
    // TensorFlow's kernel takes u off the weights whatever the learning rate is.
    return (ops, variable, slots, gradient) -> {
      Operand<T> old = slots.get(0);
      Operand<T> s =
          ops.assignAdd(old, ops.math.mul(ops.math.sub(ops.math.square(gradient), old), fresh));
      Operand<T> moved =
          ops.math.mul(
              ops.math.mul(gradient, learningRate), ops.math.rsqrt(ops.math.add(s, small)));
      Operand<T> u = ops.assign(slots.get(1), ops.math.add(ops.math.mul(slots.get(1), mu), moved));
      return ops.assignSub(variable, ops.select(made, u, none));
    };
  }

  @Override
  public void write(ObjectNode json) {
    json.put("rho", rho).put("momentum", momentum).put("epsilon", epsilon);
  }
}
