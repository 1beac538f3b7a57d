package dev.linformer.ops.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.LayerNorm;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;

class AveragesTest {

  private static Set<String> types(Graph graph) {
    Set<String> types = new HashSet<>();
    graph.operations().forEachRemaining(operation -> types.add(operation.type()));
    return types;
  }

  /** Mean's gradient would count 2^31 values, as -2^31 or with a crash of the process. */
  @Test
  void ofManyValuesThereIsNoMean() {
    for (long n : new long[] {1 << 20, 1L << 26}) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        var x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(1, n, 32)));
        Operand<TFloat32> y = Averages.over(tf, x, true, 2);
        assertEquals(Shape.of(1, n, 1), y.shape());
        assertEquals(n < 1L << 26, types(graph).contains("Mean"));
        assertEquals(x.shape(), tf.gradients(y, List.of(x)).dy(0).shape());
        assertEquals(n < 1L << 26, types(graph).contains("Prod"));
      }
    }
  }

  @Test
  void aNormOfManyValuesHasNoMeanEither() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(128, 1 << 18, 64)));
      Operand<TFloat32> one = tf.fill(tf.constant(new int[] {64}), tf.constant(1f));
      new LayerNorm<>(one, one).call(tf, x);
      assertEquals(false, types(graph).contains("Mean"));
    }
  }

  @Test
  void bothWaysGiveTheSame() {
    Shape shape = Shape.of(2, 3, 5);
    for (int[] axes : new int[][] {{1}, {2}, {0, 1, 2}}) {
      for (boolean keepDims : new boolean[] {true, false}) {
        assertArrayEquals(
            valueAndGradient(shape, keepDims, Integer.MAX_VALUE, axes),
            valueAndGradient(shape, keepDims, 1, axes),
            1e-15);
      }
    }
  }

  private static double[] valueAndGradient(Shape shape, boolean keepDims, long most, int... axes) {
    return Graphs.evaluate(
        tf -> {
          Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(1, shape.size()));
          Operand<TFloat64> y = Averages.over(tf, x, keepDims, most, axes);
          Operand<TFloat64> gradient = tf.gradients(tf.math.square(y), List.of(x)).dy(0);
          var flat = tf.constant(new int[] {-1});
          return tf.concat(
              List.of(tf.reshape(y, flat), tf.reshape(gradient, flat)), tf.constant(0));
        });
  }
}
