package dev.linformer.model.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.internal.Scalars;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * How weights follow their gradients. All decay weights apart from the gradient: w ← w·(1 − η·λ)
 * before the update, on weights of two or more axes, not on biases and norms.
 *
 * <p>TensorFlow's framework has optimizers, too. Their learning rate is a constant of the graph,
 * which leaves no room for a schedule, and the one named Adam moves its powers of β in no fixed
 * order with the updates. These here use the same kernels.
 */
public sealed interface Optimizer permits AdamW, Sgd, Adagrad, RmsProp, Adadelta {

  /** The update of one weight. */
  interface Rule<T extends TFloating> {
    /**
     * @param slots the variables of {@link Optimizer#slots}, in that order
     */
    Op update(Ops tf, Operand<T> variable, List<Operand<T>> slots, Operand<T> gradient);
  }

  /** The value of {@code optim} in JSON. */
  String word();

  /** λ. */
  double weightDecay();

  /** What stands in the names of a weight's own variables behind the weight's; all start at 0. */
  List<String> slots();

  /**
   * What is common to the updates of all weights.
   *
   * @param learningRate η, a scalar
   * @param step a scalar, 1 at the first update
   */
  <T extends TFloating> Rule<T> rule(Ops tf, Operand<T> learningRate, Operand<TInt64> step);

  /** Adds the keys of this optimizer alone. */
  void write(ObjectNode json);

  /**
   * Adds one update of all weights. None changes before every gradient is computed; and at a
   * learning rate of 0, with gradients of 0, none at all, nor what is kept of it.
   *
   * @param gradients one a weight, in the same order
   * @param learningRate η, a scalar
   * @param step a scalar, 1 at the first update
   * @param variables where the slots go
   * @return done when every weight is changed
   */
  default <T extends TFloating> Op update(
      Ops tf,
      List<Weight<T>> weights,
      List<Operand<T>> gradients,
      Operand<T> learningRate,
      Operand<TInt64> step,
      Variables<T> variables) {
    Rule<T> rule = rule(tf, learningRate, step);
    Operand<T> decay =
        tf.math.mul(learningRate, Scalars.of(tf, weightDecay(), learningRate.type())); // η·λ
    Ops after = tf.withControlDependencies(new ArrayList<Op>(gradients));
    List<Op> updates = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      Weight<T> weight = weights.get(i);
      Parameter parameter = weight.parameter();
      List<Operand<T>> own = new ArrayList<>();
      for (String name : slots()) {
        variables.create(
            new Parameter(parameter.name() + "." + name, parameter.shape(), Initialization.ZEROS));
        own.add(variables.weights().get(variables.weights().size() - 1).variable());
      }
      Ops next = after;
      if (weightDecay() != 0 && parameter.shape().numDimensions() > 1) {
        Operand<T> share = after.math.mul(weight.value(), decay);
        next = tf.withControlDependencies(after.assignSub(weight.variable(), share));
      }
      updates.add(rule.update(next, weight.variable(), own, gradients.get(i)));
    }
    return tf.withControlDependencies(updates).noOp();
  }

  /**
   * A share of what is kept in a slot, and 1, so that all of it is, where the learning rate is 0: a
   * step that would spoil the weights is made with that rate, and gradients of 0.
   */
  static <T extends TFloating> Operand<T> kept(Ops tf, double share, Operand<T> learningRate) {
    Class<T> type = learningRate.type();
    return tf.select(made(tf, learningRate), Scalars.of(tf, share, type), Scalars.of(tf, 1, type));
  }

  /** Whether an update is made. */
  static <T extends TFloating> Operand<TBool> made(Ops tf, Operand<T> learningRate) {
    return tf.math.greater(learningRate, Scalars.of(tf, 0, learningRate.type()));
  }

  /** Takes the keys of {@link #write}, {@code optim} and {@code weight_decay}. */
  static Optimizer take(JsonObjectReader keys) {
    String word = keys.text("optim", AdamW.NAME);
    double decay = keys.number("weight_decay", word.equals(AdamW.NAME) ? 0.01 : 0);
    return switch (word) {
      case AdamW.NAME ->
          new AdamW(
              keys.number("adam_beta1", 0.9),
              keys.number("adam_beta2", 0.999),
              keys.number("adam_epsilon", 1e-8),
              decay);
      case Sgd.NAME -> new Sgd(keys.number("momentum", 0), keys.flag("nesterov", false), decay);
      case Adagrad.NAME -> new Adagrad(keys.number("epsilon", 1e-10), decay);
      case RmsProp.NAME ->
          new RmsProp(
              keys.number("rho", 0.9),
              keys.number("momentum", 0),
              keys.number("epsilon", 1e-8),
              decay);
      case Adadelta.NAME ->
          new Adadelta(keys.number("rho", 0.9), keys.number("epsilon", 1e-6), decay);
      default ->
          throw keys.invalid(
              "optim",
              word,
              "one of "
                  + String.join(
                      ", ", AdamW.NAME, Sgd.NAME, Adagrad.NAME, RmsProp.NAME, Adadelta.NAME));
    };
  }

  /** Refuses a share that is not in [0,1), also where float32 rounds it to 1. */
  static void requireShare(String key, double value) {
    TrainerConfig.require(
        key, value, value >= 0 && (float) value < 1, "a number in [0,1) within float32");
  }

  /** Refuses what is not at least 0 and finite in float32. */
  static void requireDecay(double value) {
    TrainerConfig.require(
        "weight_decay",
        value,
        value >= 0 && Float.isFinite((float) value),
        "a number from 0 on within float32");
  }

  /** Refuses what is not above 0 and finite in float32. */
  static void requirePositive(String key, double value) {
    TrainerConfig.require(
        key,
        value,
        (float) value > 0 && Float.isFinite((float) value),
        "a number above 0 within float32");
  }
}
