package dev.linformer.bench;

import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.train.Sgd;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.internal.Averages;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * One step of training in its plainest form: the loss is the mean of the output's squares, the
 * update gradient descent, which keeps nothing.
 *
 * @param inputs placeholders of the model's inputs, by name
 * @param seed placeholder of the dropout's key, [2]
 * @param loss scalar
 * @param update of the weights, after all gradients
 */
record TrainingStep(
    Map<String, Operand<?>> inputs, Operand<TInt64> seed, Operand<TFloat32> loss, Op update) {

  private static final float LEARNING_RATE = 1e-4f;

  /**
   * Adds the step to a graph, with placeholders for what it is fed.
   *
   * @param variables the model's weights
   * @param masked whether the optional inputs, masks, are given
   */
  static TrainingStep build(
      Ops tf, Variables<TFloat32> variables, ModelConfig config, int batch, boolean masked) {
    Model<TFloat32> model = config.declare(variables);
    Map<String, Operand<?>> inputs = new LinkedHashMap<>();
    for (Model.Input input : model.inputs()) {
      if (masked || !input.optional()) {
        long[] sizes = input.shape().asArray();
        sizes[0] = batch;
        inputs.put(input.name(), tf.placeholder(input.type(), Placeholder.shape(Shape.of(sizes))));
      }
    }
    Operand<TInt64> seed = tf.placeholder(TInt64.class, Placeholder.shape(Shape.of(2)));
    Operand<TFloat32> loss = loss(tf, model.call(tf, inputs, new RandomKey(seed)));
    return new TrainingStep(inputs, seed, loss, update(tf, variables, loss));
  }

  /** The mean of the output's squares, a scalar. */
  static Operand<TFloat32> loss(Ops tf, Operand<TFloat32> y) {
    int[] axes = IntStream.range(0, y.shape().numDimensions()).toArray();
    return Averages.over(tf, tf.math.square(y), false, axes);
  }

  /** Gradients and the update. */
  static Op update(Ops tf, Variables<TFloat32> variables, Operand<TFloat32> loss) {
    var weights = variables.trainable();
    var gradients = tf.gradients(loss, weights.stream().map(Variables.Weight::value).toList());
    List<Operand<TFloat32>> list = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      list.add(gradients.dy(i));
    }
    return new Sgd(0, false, 0)
        .update(tf, weights, list, tf.constant(LEARNING_RATE), tf.constant(1L), variables);
  }
}
