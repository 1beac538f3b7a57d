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
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * How weights follow their gradients. All decay weights apart from the gradient: w ← w·(1 − η·λ)
 * before the update, on weights of two or more axes, not on biases and norms.
 *
 * <p>A training loop of one's own takes {@link #minimize}. Here a line is fitted to points:
 *
 * <pre>{@code
 * try (Graph graph = new Graph()) {
 *   Ops tf = Ops.create(graph);
 *   Variables<TFloat32> weights = Variables.random(tf, TFloat32.class, 1);
 *   Operand<TFloat32> x = tf.constant(new float[][] {{0}, {1}, {2}, {3}}); // [b,1]
 *   Operand<TFloat32> wanted = tf.constant(new float[][] {{1}, {3}, {5}, {7}}); // [b,1]
 *   Operand<TFloat32> y = Dense.declare(weights, "line", 1, 1).call(tf, x); // [b,1]
 *   Operand<TFloat32> loss =
 *       tf.math.mean(tf.math.squaredDifference(y, wanted), tf.constant(new int[] {0, 1})); // scalar
 *   Op step = new AdamW().minimize(tf, loss, weights, 0.05);
 *   try (Session session = new Session(graph)) {
 *     session.initialize();
 *     for (int i = 1; i <= 300; i++) {
 *       session.runner().addTarget(step).run().close();
 *     }
 *   }
 * }
 * }</pre>
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

  /**
   * What an update is computed with, besides gradients.
   *
   * @param learningRate η, a scalar; 0 for an update that must change nothing
   * @param number of the update, a scalar, 1 at the first
   */
  record UpdateStep<T extends TFloating>(Ops tf, Operand<T> learningRate, Operand<TInt64> number) {

    /** A number in the type of the weights, a scalar. */
    Operand<T> scalar(double value) {
      return Scalars.of(tf, value, learningRate.type());
    }

    /** The share of a slot that is kept, a scalar: 1, so that all of it is, if η is 0. */
    Operand<T> kept(double share) {
      return tf.select(isMade(), scalar(share), scalar(1));
    }

    /** Whether the update changes anything, a scalar. */
    Operand<TBool> isMade() {
      return tf.math.greater(learningRate, scalar(0));
    }
  }

  /** The value of {@code optim} in JSON. */
  String word();

  /** λ. */
  double weightDecay();

  /** What stands in the names of a weight's own variables behind the weight's; all start at 0. */
  List<String> slots();

  /** What is common to the updates of all weights. */
  <T extends TFloating> Rule<T> rule(UpdateStep<T> step);

  /** Adds the keys of this optimizer alone. */
  void write(ObjectNode json);

  /**
   * Adds a step of training to a graph, with a constant learning rate and no clipping: {@link
   * #minimize(Ops, Operand, Variables, Operand, double)} has both.
   *
   * @param loss a scalar
   * @param weights the trainable ones of them are changed
   * @param learningRate η, above 0
   * @return to be run once a step
   */
  default <T extends TFloating> Op minimize(
      Ops tf, Operand<T> loss, Variables<T> weights, double learningRate) {
    Operand<T> rate = Scalars.of(tf, learningRate, loss.type());
    return minimize(tf, loss, weights, rate, Double.POSITIVE_INFINITY);
  }

  /**
   * Adds a step of training to a graph: the gradients of a loss, and an update of the weights by
   * them. It counts its steps in a variable of its own; {@link org.tensorflow.Session#initialize}
   * sets that and the optimizer's slots to 0.
   *
   * @param loss a scalar
   * @param weights the trainable ones of them are changed
   * @param learningRate η, a scalar, such as a placeholder that is fed {@link
   *     TrainerConfig#learningRateAt}
   * @param clipNorm the largest √Σg² over all gradients; larger ones are scaled down to it, and a
   *     step whose norm is no number has gradients of 0; infinite for no clipping
   * @return to be run once a step
   */
  default <T extends TFloating> Op minimize(
      Ops tf, Operand<T> loss, Variables<T> weights, Operand<T> learningRate, double clipNorm) {
    List<Weight<T>> trainable = weights.trainable();
    List<Operand<T>> gradients = LossGradients.of(tf, loss, trainable);
    if (Double.isFinite(clipNorm)) {
      gradients = GradientClipping.byGlobalNorm(tf, gradients, clipNorm).gradients();
    }
    Variable<TInt64> count = tf.variable(Shape.scalar(), TInt64.class);
    Ops start = tf.withInitScope();
    start.assign(count, start.constant(0L));
    Operand<TInt64> number = tf.identity(tf.assignAdd(count, tf.constant(1L))); // scalar
    Variables<T> slots = Variables.random(tf, loss.type(), 0);
    return update(tf, trainable, gradients, learningRate, number, slots);
  }

  /**
   * Adds one update of all weights. None changes before every gradient is computed; and at a
   * learning rate of 0, with gradients of 0, none at all, nor what is kept of it.
   *
   * @param gradients one a weight, in the same order
   * @param learningRate η, a scalar
   * @param number of the update, a scalar, 1 at the first
   * @param variables where the slots go
   * @return done when every weight is changed
   */
  default <T extends TFloating> Op update(
      Ops tf,
      List<Weight<T>> weights,
      List<Operand<T>> gradients,
      Operand<T> learningRate,
      Operand<TInt64> number,
      Variables<T> variables) {
    UpdateStep<T> step = new UpdateStep<>(tf, learningRate, number);
    Rule<T> rule = rule(step);
    Operand<T> decay = tf.math.mul(learningRate, step.scalar(weightDecay())); // η·λ
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
   * An optimizer from its keys in JSON, such as {@code {"optim": "sgd", "momentum": 0.9}}; all have
   * defaults.
   *
   * @throws dev.linformer.io.InvalidInputException if the text isn't JSON, or a key is unknown or
   *     out of its range
   */
  static Optimizer parse(String json) {
    JsonObjectReader keys = JsonObjectReader.parse("optimizer", json);
    Optimizer optimizer = take(keys);
    keys.refuseTheRest();
    return optimizer;
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
}
