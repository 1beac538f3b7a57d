package dev.linformer.model;

import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * @param updates of the weights, after all gradients
 */
record TrainingStep(
    Map<String, Operand<?>> inputs,
    Operand<TInt64> seed,
    Operand<TFloat32> loss,
    List<Op> updates) {

  private static final float LEARNING_RATE = 1e-4f;

  /**
   * Adds the step to a graph.
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
    Operand<TFloat32> y = model.call(tf, inputs, new RandomKey(seed));
    Operand<TFloat32> loss =
        tf.math.mean(
            tf.reshape(tf.math.square(y), tf.constant(new int[] {-1})), tf.constant(0)); // scalar
    var weights = variables.trainable();
    var gradients = tf.gradients(loss, weights.stream().map(Variables.Weight::value).toList());
    List<Op> all = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      all.add(gradients.<TFloat32>dy(i));
    }
    Ops after = tf.withControlDependencies(all);
    Operand<TFloat32> rate = tf.constant(LEARNING_RATE);
    List<Op> updates = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      updates.add(
          after.train.applyGradientDescent(
              weights.get(i).variable(), rate, gradients.<TFloat32>dy(i)));
    }
    return new TrainingStep(inputs, seed, loss, updates);
  }
}
