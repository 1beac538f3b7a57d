package dev.linformer.model.train;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.internal.BatchSizes;
import dev.linformer.ops.Backend;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
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

  /** How many of the weights, the first ones, are the model's; the others are the objective's. */
  final int modelWeights;

  /** The objective's fields. */
  final List<Objective.Field> fields;

  /** What is fed for each field, by its name; a variable if a batch lies on the device. */
  final Map<String, Operand<?>> batch = new LinkedHashMap<>();

  /** Of the update, counted from 1. */
  final Placeholder<TInt64> step;

  /** Of the batch over all updates, counted from 1. */
  final Placeholder<TInt64> draw;

  final Placeholder<TFloat32> learningRate;

  /** What an update sees, with dropout. */
  final Objective.Score training;

  /** What an evaluation sees, without. */
  final Objective.Score evaluation;

  /** Gradients of the trainable weights, in their order; summed up if they are accumulated. */
  final List<Operand<TFloat32>> gradients = new ArrayList<>();

  final Operand<TFloat32> gradientNorm;

  /** Changes nothing if the gradients are no numbers. */
  final Op update;

  /** For more than one batch an update; else null. */
  final @Nullable Accumulation accumulation;

  /**
   * Adds up gradients.
   *
   * @param share of the batch in all targets of the update, a scalar
   * @param first takes a batch's gradients in the place of older ones
   * @param next adds a batch's gradients
   */
  record Accumulation(Placeholder<TFloat32> share, Op first, Op next) {}

  /**
   * Makes sure that a model can be trained on batches of a size.
   *
   * @param batch number of sequences
   * @param known whether the graph is built for batches of this size; else values of a layer are
   *     counted in 32 bits, too
   * @throws dev.linformer.io.InvalidInputException if there are too many positions, or values
   */
  static void requireBatch(ModelConfig model, long batch, boolean known) {
    for (LinformerConfig stack : model.stacks()) {
      BatchSizes.requirePositions(batch, stack.sequenceLength());
      if (!known) {
        BatchSizes.requireValues(batch, stack.sequenceLength(), stack.channels());
      }
    }
  }

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
    requireBatch(config, trainer.batchSize(), xla || resident != null);
    Ops tf = Ops.create(graph);
    variables = Variables.random(tf, TFloat32.class, trainer.seed());
    slots = Variables.random(tf, TFloat32.class, trainer.seed());
    Model<TFloat32> model =
        config.declare(variables.on(kernels ? Backend.GPU_KERNELS : Backend.PORTABLE));

    modelWeights = variables.weights().size();
    Objective.Scorer scorer = objective.declare(variables, config);

    long b = xla || resident != null ? trainer.batchSize() : Shape.UNKNOWN_SIZE;
    fields = List.copyOf(objective.fields(config));
    for (Objective.Field field : fields) {
      Shape shape = withBatch(field, b);
      batch.put(
          field.name(),
          resident == null
              ? placeholder(tf, field.name(), field.type(), shape)
              : resident(tf, field, resident, shape));
    }
    step = scalar(tf, "step", TInt64.class);
    draw = trainer.accumulation() == 1 ? step : scalar(tf, "draw", TInt64.class);
    learningRate = scalar(tf, "learning_rate", TFloat32.class);

    Operand<TInt64> seed = tf.constant(trainer.seed()); // scalar
    RandomKey key = new RandomKey(tf.stack(List.of(seed, draw))); // [2]
    training = scorer.score(tf, model, batch, key);
    evaluation = scorer.score(tf, model, batch, null);

    List<Weight<TFloat32>> weights = variables.trainable();
    gradients.addAll(LossGradients.of(tf, training.loss(), weights));
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

  /** What is fed for a field. */
  Operand<?> batch(Objective.Field field) {
    return Model.require(batch, field.name());
  }

  /** The shape of a field for batches of b sequences. */
  static Shape withBatch(Objective.Field field, long b) {
    long[] sizes = field.shape().asArray();
    sizes[0] = b;
    return Shape.of(sizes);
  }

  /** A variable with a field's values: of floats, since GPUs have none of int32. */
  private static Operand<?> resident(Ops tf, Objective.Field field, Batch batch, Shape shape) {
    Variable<TFloat32> variable = tf.variable(shape, TFloat32.class);
    Ops start = tf.withInitScope();
    boolean floats = field.type() == TFloat32.class;
    Operand<TFloat32> values =
        floats
            ? start.constant(batch.floats(field.name()))
            : start.dtypes.cast(start.constant(batch.ints(field.name())), TFloat32.class);
    start.assign(variable, start.reshape(values, start.constant(shape.asArray())));
    Operand<TFloat32> value = tf.identity(variable);
    return floats ? value : tf.dtypes.cast(value, TInt32.class);
  }

  /** Puts the sums in the place of the gradients. */
  private Accumulation accumulate(Ops tf, List<Weight<TFloat32>> weights) {
    Placeholder<TFloat32> share = scalar(tf, "share", TFloat32.class);
    Variables<TFloat32> sums = Variables.random(tf, TFloat32.class, 0);
    List<Op> first = new ArrayList<>();
    List<Op> next = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      Parameter parameter = weights.get(i).parameter();
      sums.create(
          new Parameter(parameter.name() + ".sum", parameter.shape(), Initialization.ZEROS));
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
