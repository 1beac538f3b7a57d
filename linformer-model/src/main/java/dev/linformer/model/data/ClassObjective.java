package dev.linformer.model.data;

import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Cross-entropy of classes; how many are the likeliest one is the metric.
 *
 * @param everyPosition a target at every position, [b,n], instead of one a sequence, [b]
 * @param masked whether the model is told where sequences end
 */
record ClassObjective(boolean everyPosition, boolean masked) implements Objective {

  @Override
  public List<Field> fields(ModelConfig model) {
    long n = model.stacks().get(0).sequenceLength();
    List<Field> fields = new ArrayList<>();
    fields.add(Field.ints(Batch.TOKENS, n)); // [b,n]
    fields.add(everyPosition ? Field.ints(Batch.TARGETS, n) : Field.ints(Batch.TARGETS));
    if (masked) {
      fields.add(Field.ints(Batch.LENGTHS)); // [b]
    }
    return fields;
  }

  /** There are no weights but the model's. */
  @Override
  public Scorer declare(ParameterFactory<TFloat32> weights, ModelConfig model) {
    return this::score;
  }

  private Score score(
      Ops tf, Model<TFloat32> model, Map<String, Operand<?>> batch, @Nullable RandomKey key) {
    Model.Input input = model.inputs().get(0);
    Map<String, Operand<?>> inputs = new HashMap<>();
    inputs.put(input.name(), Model.require(batch, Batch.TOKENS));
    if (masked) {
      Operand<TInt32> lengths = Model.require(batch, Batch.LENGTHS);
      inputs.put(maskName(model), mask(tf, lengths, input.shape().get(1)));
    }
    return crossEntropy(tf, model.call(tf, inputs, key), Model.require(batch, Batch.TARGETS));
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

  private static Score crossEntropy(Ops tf, Operand<TFloat32> logits, Operand<TInt32> targets) {
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
    Operand<TFloat32> losses = tf.nn.softmaxCrossEntropyWithLogits(rows, oneHot).loss(); // [m]
    Operand<TInt32> axis = tf.constant(0);
    Operand<TFloat32> count = tf.math.maximum(tf.sum(scored, axis), tf.constant(1f)); // scalar
    Operand<TFloat32> loss =
        tf.math.div(tf.sum(tf.math.mul(losses, scored), axis), count); // scalar
    Operand<TInt32> likeliest = tf.math.argMax(rows, tf.constant(1), TInt32.class); // [m]
    Operand<TInt32> right = tf.dtypes.cast(tf.math.equal(likeliest, wanted), TInt32.class); // [m]
    return new Score(loss, tf.sum(right, axis));
  }
}
