package dev.linformer.model.train;

import dev.linformer.model.ClassifierConfig;
import dev.linformer.model.LinformerClassifier;
import dev.linformer.model.Variables;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.framework.losses.CategoricalCrossentropy;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A classifier's training as a graph: placeholders in, loss and update out. The model is built
 * twice on the same weights, with dropout for the update and without for evaluation.
 */
final class TrainingGraph implements AutoCloseable {

  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.999;
  private static final double EPSILON = 1e-8;

  final Graph graph = new Graph();
  final Variables<TFloat32> variables;
  final Variables<TFloat32> slots;

  /** [b,n]. */
  final Placeholder<TInt32> tokens;

  /** [b]. */
  final Placeholder<TInt32> labels;

  /** Counted from 1. */
  final Placeholder<TInt64> step;

  final Placeholder<TFloat32> learningRate;

  /** What an update sees, with dropout. */
  final Metrics training;

  /** What an evaluation sees, without. */
  final Metrics evaluation;

  final Operand<TFloat32> gradientNorm;
  final Op update;

  /**
   * Numbers about a batch.
   *
   * @param loss mean cross-entropy in nats, a scalar
   * @param correct how many labels are the most likely class, a scalar
   */
  record Metrics(Operand<TFloat32> loss, Operand<TInt32> correct) {}

  TrainingGraph(ClassifierConfig config, TrainerConfig trainer) {
    Ops tf = Ops.create(graph);
    variables = Variables.random(tf, TFloat32.class, trainer.seed());
    slots = Variables.random(tf, TFloat32.class, trainer.seed());
    LinformerClassifier<TFloat32> model = config.declare(variables);

    tokens =
        tf.withName("tokens")
            .placeholder(TInt32.class, Placeholder.shape(model.inputs().get(0).shape()));
    labels =
        tf.withName("labels")
            .placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE)));
    step = tf.withName("step").placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
    learningRate =
        tf.withName("learning_rate").placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));

    Operand<TInt64> seed = tf.constant(trainer.seed()); // scalar
    RandomKey key = new RandomKey(tf.stack(List.of(seed, step))); // [2]
    training = metrics(tf, model.call(tf, tokens, key), config.classes());
    evaluation = metrics(tf, model.call(tf, tokens, null), config.classes());

    var weights = variables.trainable();
    var values = weights.stream().map(Variables.Weight::value).toList();
    Gradients gradients = tf.gradients(training.loss(), values);
    List<Operand<TFloat32>> list = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      list.add(gradients.dy(i));
    }
    var clipped = GradientClipping.byGlobalNorm(tf, list, trainer.clipNorm());
    gradientNorm = clipped.norm();
    update =
        new AdamW(BETA_1, BETA_2, EPSILON, trainer.weightDecay())
            .update(tf, weights, clipped.gradients(), learningRate, step, slots);
  }

  private Metrics metrics(Ops tf, Operand<TFloat32> logits, int classes) {
    Operand<TFloat32> oneHot =
        tf.oneHot(labels, tf.constant(classes), tf.constant(1f), tf.constant(0f)); // [b,classes]
    Operand<TFloat32> loss = new CategoricalCrossentropy(true).call(tf, oneHot, logits); // scalar
    Operand<TInt32> likeliest = tf.math.argMax(logits, tf.constant(1), TInt32.class); // [b]
    Operand<TInt32> right = tf.dtypes.cast(tf.math.equal(likeliest, labels), TInt32.class); // [b]
    return new Metrics(loss, tf.sum(right, tf.constant(0)));
  }

  @Override
  public void close() {
    graph.close();
  }
}
