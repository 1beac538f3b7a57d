package dev.linformer.model.train;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import dev.linformer.model.data.Task;
import dev.linformer.model.data.TaskData;
import dev.linformer.ops.Dense;
import dev.linformer.ops.ParameterFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A task of a program's own: to tell a number from vectors [b,n,c], with an encoder and a head. The
 * first channel is the number, with noise.
 *
 * @param name of the task
 * @param n positions
 * @param c channels
 */
record Regression(String name, int n, int c) implements Task {

  static final Regression TASK = new Regression("regression", 8, 4);

  /** Of each part. */
  private static final int EXAMPLES = 40;

  LinformerConfig model() {
    return LinformerConfig.builder(n, c, 3).heads(2).feedForwardDim(8).dropout(0.1).build();
  }

  @Override
  public Objective objective() {
    return new SquaredError(n, c);
  }

  /** The mean squared error; the metric is the absolute one. */
  record SquaredError(int n, int c) implements Objective {

    @Override
    public List<Field> fields(ModelConfig model) {
      return List.of(Field.floats("x", n, c), Field.floats("wanted"), Field.floats("weight"));
    }

    @Override
    public Scorer declare(ParameterFactory<TFloat32> weights, ModelConfig config) {
      Dense<TFloat32> head = Dense.declare(weights, "head", c, 1);
      return (tf, model, batch, key) -> {
        String input = model.inputs().get(0).name();
        Operand<TFloat32> y = model.call(tf, Map.of(input, Model.require(batch, "x")), key);
        Operand<TFloat32> mean = tf.math.mean(y, tf.constant(new int[] {1})); // [b,c]
        Operand<TFloat32> guess =
            tf.reshape(head.call(tf, mean), tf.constant(new int[] {-1})); // [b]
        Operand<TFloat32> error = tf.math.sub(guess, Model.<TFloat32>require(batch, "wanted"));
        Operand<TFloat32> weight = Model.require(batch, "weight"); // [b]
        Operand<TFloat32> count = tf.math.maximum(sum(tf, weight), tf.constant(1f)); // scalar
        return new Score(
            tf.math.div(sum(tf, tf.math.mul(tf.math.square(error), weight)), count),
            sum(tf, tf.math.mul(tf.math.abs(error), weight)));
      };
    }

    private static Operand<TFloat32> sum(Ops tf, Operand<TFloat32> x) {
      return tf.sum(x, tf.constant(0)); // scalar
    }
  }

  @Override
  public TaskData open(ModelConfig model) {
    return new Data();
  }

  /** Each batch is a function of its number. */
  final class Data implements TaskData {

    @Override
    public Batch train(long index, int size) {
      return batch(new SplittableRandom(index), size);
    }

    @Override
    public Iterable<Batch> validation(int size) {
      return inOrder(1000, size);
    }

    @Override
    public TestSet test(int size) {
      return new TestSet(inOrder(2000, size), List.of(), 0);
    }

    private List<Batch> inOrder(long seed, int size) {
      return IntStream.iterate(0, from -> from < EXAMPLES, from -> from + size)
          .mapToObj(
              from -> batch(new SplittableRandom(seed + from), Math.min(size, EXAMPLES - from)))
          .toList();
    }

    private Batch batch(SplittableRandom random, int b) {
      float[] x = new float[b * n * c];
      float[] wanted = new float[b];
      float[] weight = new float[b];
      Arrays.fill(weight, 1);
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) (0.1 * random.nextGaussian());
      }
      for (int row = 0; row < b; row++) {
        wanted[row] = (float) random.nextDouble(-1, 1);
        for (int i = 0; i < n; i++) {
          x[(row * n + i) * c] += wanted[row];
          x[(row * n + i) * c + 1] += 1; // what a norm leaves it beside
        }
      }
      return Batch.builder(b)
          .floats("x", x)
          .floats("wanted", wanted)
          .floats("weight", weight)
          .build(b);
    }
  }
}
