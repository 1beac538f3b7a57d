package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat64;

/**
 * Gradients against central differences (f(x + s) − f(x − s))/2s for every value of every input, f
 * the output times a random cotangent.
 */
public final class GradientCheck {

  /** Near the cube root of float64's precision, where truncation and rounding are equally small. */
  private static final double STEP = 5e-6;

  private static final double RELATIVE = 1e-7;
  private static final double ABSOLUTE = 1e-8;

  private GradientCheck() {}

  /** Where the gradient is taken. */
  public static final class Input {
    final String name;
    final Shape shape;
    final double[] values;

    /** A point with a name for messages. */
    public Input(String name, Shape shape, double... values) {
      assertEquals(shape.size(), values.length, name);
      this.name = name;
      this.shape = shape;
      this.values = values.clone();
    }
  }

  /**
   * Fails with the name of the input, the index and both values where a gradient is wrong.
   *
   * @param function builds the output from one placeholder an input
   */
  public static void check(
      List<Input> inputs,
      BiFunction<Ops, List<Operand<TFloat64>>, ? extends Operand<TFloat64>> function) {
    try (Graph graph = new Graph();
        Session session = PlainSession.open(graph);
        Tensors tensors = new Tensors(inputs)) {
      Ops tf = Ops.create(graph);
      var placeholders = new ArrayList<Operand<TFloat64>>();
      for (Input input : inputs) {
        // Named, because TensorFlow's message of an input without a gradient has the node's name.
        placeholders.add(
            tf.withName(input.name).placeholder(TFloat64.class, Placeholder.shape(input.shape)));
      }
      Operand<TFloat64> output = function.apply(tf, placeholders);
      double[] cotangent = Graphs.normal(1, output.shape().size());
      var weighted = tf.math.mul(output, Graphs.constant(tf, output.shape(), cotangent));
      var sum = tf.reduceSum(tf.reshape(weighted, tf.constant(new int[] {-1})), tf.constant(0));
      List<Output<?>> gradients = tf.gradients(sum, placeholders).dy();

      for (int i = 0; i < inputs.size(); i++) {
        Input input = inputs.get(i);
        double[] found = run(session, placeholders, tensors, gradients.get(i));
        assertEquals(input.values.length, found.length, input.name + ": size of the gradient");
        var live = tensors.list.get(i).asRawTensor().data().asDoubles();
        for (int j = 0; j < found.length; j++) {
          double step = STEP * Math.max(1, Math.abs(input.values[j]));
          double above = input.values[j] + step;
          double below = input.values[j] - step;
          live.setDouble(above, j);
          double[] high = run(session, placeholders, tensors, output);
          live.setDouble(below, j);
          double[] low = run(session, placeholders, tensors, output);
          live.setDouble(input.values[j], j);
          double rise = 0;
          for (int o = 0; o < high.length; o++) {
            rise += cotangent[o] * (high[o] - low[o]);
          }
          double expected = rise / (above - below);
          double allowed = RELATIVE * Math.max(Math.abs(expected), Math.abs(found[j])) + ABSOLUTE;
          // Written so that NaN fails.
          if (!(Math.abs(expected - found[j]) <= allowed)) {
            fail(
                "%s, value %s: difference quotient %s, gradient %s"
                    .formatted(input.name, j, expected, found[j]));
          }
        }
      }
    }
  }

  private static double[] run(
      Session session, List<Operand<TFloat64>> placeholders, Tensors tensors, Operand<?> fetch) {
    var runner = session.runner();
    for (int i = 0; i < placeholders.size(); i++) {
      runner.feed(placeholders.get(i), tensors.list.get(i));
    }
    try (var result = runner.fetch(fetch).run()) {
      return Graphs.values((TFloat64) result.get(0));
    }
  }

  /** The fed tensors, changed in place between runs. */
  private static final class Tensors implements AutoCloseable {
    final List<TFloat64> list = new ArrayList<>();

    Tensors(List<Input> inputs) {
      for (Input input : inputs) {
        list.add(TFloat64.tensorOf(input.shape, DataBuffers.of(input.values)));
      }
    }

    @Override
    public void close() {
      list.forEach(TFloat64::close);
    }
  }
}
