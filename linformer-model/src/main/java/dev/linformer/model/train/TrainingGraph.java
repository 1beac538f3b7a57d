package dev.linformer.model.train;

import dev.linformer.model.BatchSizes;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.ops.Backend;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TType;

/**
 * A model's training as a graph: placeholders in, loss and update out. The model is built twice on
 * the same weights, with dropout for the update and without for evaluation.
 *
 * <p>With XLA every batch has the trainer's size: XLA compiles once for each shape.
 */
final class TrainingGraph implements AutoCloseable {

  final Graph graph = new Graph();
  final Variables<TFloat32> variables;
  final Variables<TFloat32> slots;

  /** [b,n]. */
  final Operand<TInt32> tokens;

  /** [b], or [b,n] if there is one at every position. */
  final Operand<TInt32> targets;

  /** [b]; null if the model is not told where sequences end. */
  final @Nullable Operand<TInt32> lengths;

  /** Of the update, counted from 1. */
  final Placeholder<TInt64> step;

  /** Of the batch over all updates, counted from 1. */
  final Placeholder<TInt64> draw;

  final Placeholder<TFloat32> learningRate;

  /** What an update sees, with dropout. */
  final Metrics training;

  /** What an evaluation sees, without. */
  final Metrics evaluation;

  /** Gradients of the trainable weights, in their order; summed up if they are accumulated. */
  final List<Operand<TFloat32>> gradients = new ArrayList<>();

  final Operand<TFloat32> gradientNorm;

  /** Changes nothing if the gradients are no numbers. */
  final Op update;

  /** For more than one batch an update; else null. */
  final @Nullable Accumulation accumulation;

  /**
   * Numbers about a batch.
   *
   * @param loss mean cross-entropy in nats, a scalar
   * @param correct how many targets are the most likely one, a scalar
   */
  record Metrics(Operand<TFloat32> loss, Operand<TInt32> correct) {}

  /**
   * Adds up gradients.
   *
   * @param share of the batch in all targets of the update, a scalar
   * @param first takes a batch's gradients in the place of older ones
   * @param next adds a batch's gradients
   */
  record Accumulation(Placeholder<TFloat32> share, Op first, Op next) {}

  /**
   * @param xla whether XLA compiles the graph: then b is known
   * @param kernels whether layers are kernels, see {@link Backend#GPU_KERNELS}
   * @param resident a batch that lies on the device, in the place of those that are fed; or null
   * @throws dev.linformer.io.InvalidInputException if batches are larger than gradients can count
   */
  TrainingGraph(
      ModelConfig config,
      Objective objective,
      TrainerConfig trainer,
      boolean xla,
      boolean kernels,
      @Nullable Batch resident) {
    BatchSizes.require(config, trainer.batchSize(), xla || resident != null);
    Ops tf = Ops.create(graph);
    variables = Variables.random(tf, TFloat32.class, trainer.seed());
    slots = Variables.random(tf, TFloat32.class, trainer.seed());
    Model<TFloat32> model =
        config.declare(variables.on(kernels ? Backend.GPU_KERNELS : Backend.PORTABLE));

    Model.Input input = model.inputs().get(0);
    long b = xla || resident != null ? trainer.batchSize() : Shape.UNKNOWN_SIZE;
    long n = input.shape().get(1);
    Shape perSequence = Shape.of(b);
    Shape perToken = Shape.of(b, n);
    Shape perTarget = objective.everyPosition() ? perToken : perSequence;
    if (resident == null) {
      tokens = placeholder(tf, "tokens", TInt32.class, perToken); // [b,n]
      targets = placeholder(tf, "targets", TInt32.class, perTarget);
      lengths =
          objective.masked()
              ? placeholder(tf, "lengths", TInt32.class, perSequence) // [b]
              : null;
    } else {
      tokens = resident(tf, resident.tokens(), perToken); // [b,n]
      targets = resident(tf, resident.targets(), perTarget);
      lengths = objective.masked() ? resident(tf, resident.lengths(), perSequence) : null; // [b]
    }
    step = scalar(tf, "step", TInt64.class);
    draw = trainer.accumulation() == 1 ? step : scalar(tf, "draw", TInt64.class);
    learningRate = scalar(tf, "learning_rate", TFloat32.class);

    Map<String, Operand<?>> inputs = new HashMap<>();
    inputs.put(input.name(), tokens);
    if (lengths != null) {
      inputs.put(maskName(model), mask(tf, lengths, n));
    }
    Operand<TInt64> seed = tf.constant(trainer.seed()); // scalar
    RandomKey key = new RandomKey(tf.stack(List.of(seed, draw))); // [2]
    training = metrics(tf, model.call(tf, inputs, key));
    evaluation = metrics(tf, model.call(tf, inputs, null));

    List<Weight<TFloat32>> weights = variables.trainable();
    Gradients found = tf.gradients(training.loss(), weights.stream().map(Weight::value).toList());
    for (int i = 0; i < weights.size(); i++) {
      gradients.add(found.dy(i));
    }
    accumulation = trainer.accumulation() == 1 ? null : accumulate(tf, weights);
    // A step that would spoil the weights is not made: they tell where the trouble began. Of
    // accumulated batches the trainer has looked at the losses before.
    Operand<TBool> loss =
        accumulation == null ? tf.math.isFinite(training.loss()) : tf.constant(true); // scalar
    var clipped = GradientClipping.byGlobalNorm(tf, gradients, trainer.clipNorm(), loss);
    gradientNorm = clipped.norm();
    Operand<TBool> sound = tf.math.logicalAnd(tf.math.isFinite(gradientNorm), loss); // scalar
    Operand<TFloat32> rate = tf.select(sound, learningRate, tf.constant(0f)); // scalar
    update = trainer.optimizer().update(tf, weights, clipped.gradients(), rate, step, slots);
  }

  private static <T extends TType> Placeholder<T> placeholder(
      Ops tf, String name, Class<T> type, Shape shape) {
    return tf.withName(name).placeholder(type, Placeholder.shape(shape));
  }

  private static <T extends TType> Placeholder<T> scalar(Ops tf, String name, Class<T> type) {
    return placeholder(tf, name, type, Shape.scalar());
  }

  /** A variable of floats, since GPUs have none of int32. */
  private static Operand<TInt32> resident(Ops tf, int[] values, Shape shape) {
    Variable<TFloat32> variable = tf.variable(shape, TFloat32.class);
    Ops start = tf.withInitScope();
    start.assign(
        variable,
        start.dtypes.cast(
            start.reshape(start.constant(values), start.constant(shape.asArray())),
            TFloat32.class));
    return tf.dtypes.cast(tf.identity(variable), TInt32.class);
  }

  private static String maskName(Model<?> model) {
    return model.inputs().stream()
        .filter(input -> input.type() == TBool.class)
        .findFirst()
        .map(Model.Input::name)
        .orElseThrow(() -> new IllegalArgumentException("the model takes no mask"));
  }

  /** True in front of each end. */
  private static Operand<TBool> mask(Ops tf, Operand<TInt32> lengths, long n) {
    Operand<TInt32> positions =
        tf.range(tf.constant(0), tf.constant((int) n), tf.constant(1)); // [n]
    return tf.math.less(positions, tf.expandDims(lengths, tf.constant(1))); // [b,n]
  }

  private Metrics metrics(Ops tf, Operand<TFloat32> logits) {
    int last = logits.shape().numDimensions() - 1;
    int classes = Math.toIntExact(logits.shape().get(last));
    Operand<TFloat32> rows =
        tf.reshape(logits, tf.constant(new int[] {-1, classes})); // [m,classes]
    Operand<TInt32> wanted = tf.reshape(targets, tf.constant(new int[] {-1})); // [m]
    Operand<TFloat32> scored =
        tf.dtypes.cast(
            tf.math.notEqual(wanted, tf.constant(Batch.UNSCORED)), TFloat32.class); // [m]
    // All zeros where there is no target.
    Operand<TFloat32> oneHot =
        tf.oneHot(wanted, tf.constant(classes), tf.constant(1f), tf.constant(0f)); // [m,classes]
    Operand<TFloat32> each = tf.nn.softmaxCrossEntropyWithLogits(rows, oneHot).loss(); // [m]
    Operand<TInt32> axis = tf.constant(0);
    Operand<TFloat32> count = tf.math.maximum(tf.sum(scored, axis), tf.constant(1f)); // scalar
    Operand<TFloat32> loss = tf.math.div(tf.sum(tf.math.mul(each, scored), axis), count); // scalar
    Operand<TInt32> likeliest = tf.math.argMax(rows, tf.constant(1), TInt32.class); // [m]
    Operand<TInt32> right = tf.dtypes.cast(tf.math.equal(likeliest, wanted), TInt32.class); // [m]
    return new Metrics(loss, tf.sum(right, axis));
  }

  /** Puts the sums in the place of the gradients. */
  private Accumulation accumulate(Ops tf, List<Weight<TFloat32>> weights) {
    Placeholder<TFloat32> share = scalar(tf, "share", TFloat32.class);
    Variables<TFloat32> sums = Variables.random(tf, TFloat32.class, 0);
    List<Op> first = new ArrayList<>();
    List<Op> next = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      Parameter of = weights.get(i).parameter();
      sums.create(new Parameter(of.name() + ".sum", of.shape(), Initialization.ZEROS));
      Weight<TFloat32> sum = sums.weights().get(i);
      Operand<TFloat32> part = tf.math.mul(gradients.get(i), share);
      first.add(tf.assign(sum.variable(), part));
      next.add(tf.assignAdd(sum.variable(), part));
      gradients.set(i, sum.value());
    }
    return new Accumulation(
        share, tf.withControlDependencies(first).noOp(), tf.withControlDependencies(next).noOp());
  }

  @Override
  public void close() {
    graph.close();
  }
}
