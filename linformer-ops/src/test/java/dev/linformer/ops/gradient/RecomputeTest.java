package dev.linformer.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.linformer.ops.Graphs;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

class RecomputeTest {

  private static Operand<TFloat64> loss(Ops tf, Operand<TFloat64> y) {
    return tf.sum(tf.math.square(y), tf.constant(new int[] {0, 1}));
  }

  @Test
  void gradientsAreTheSame() {
    double[] plain = null;
    for (int way = 0; way < 4; way++) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        Operand<TFloat64> x = Graphs.constant(tf, Shape.of(7, 5), Graphs.normal(1, 35));
        Operand<TFloat64> w = Graphs.constant(tf, Shape.of(5, 3), Graphs.normal(2, 15));
        Body<TFloat64> body =
            (inner, of) -> inner.math.tanh(inner.linalg.matMul(of.get(x), of.get(w)));
        Operand<TFloat64> y =
            switch (way) {
              case 0 -> tf.math.tanh(tf.linalg.matMul(x, w));
              case 1 -> Recompute.call(tf, List.of(x, w), body);
              case 2 ->
                  Recompute.parts(
                      tf, new Parts(7, 3, 0), List.of(Input.along(x, 0), Input.whole(w)), body);
              default ->
                  Recompute.parts(
                      tf, new Parts(3, 2, 1), List.of(Input.whole(x), Input.along(w, 1)), body);
            };
        var gradients = tf.gradients(loss(tf, y), List.of(x, w));
        Operand<TFloat64> dx = gradients.dy(0);
        Operand<TFloat64> dw = gradients.dy(1);
        Operand<TFloat64> all =
            tf.concat(
                List.of(
                    tf.reshape(y, tf.constant(new int[] {-1})),
                    tf.reshape(dx, tf.constant(new int[] {-1})),
                    tf.reshape(dw, tf.constant(new int[] {-1}))),
                tf.constant(0));
        double[] found = Graphs.evaluate(graph, all);
        if (plain == null) {
          plain = found;
        }
        assertArrayEquals(plain, found, 1e-14, "way " + way);
      }
    }
  }
}
