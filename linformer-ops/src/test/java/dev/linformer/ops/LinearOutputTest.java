package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

class LinearOutputTest {

  private static final int CHANNELS = 3;

  /** Each row adds 1 to the bias's gradient: added up in bfloat16 they would not get beyond 256. */
  @ParameterizedTest
  @ValueSource(ints = {1 << 10, 1 << 16})
  void gradientOfABfloat16BiasOverManyRows(int rows) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> x =
          tf.dtypes.cast(
              tf.zeros(tf.constant(new int[] {rows, CHANNELS}), TFloat32.class), TBfloat16.class);
      Operand<TBfloat16> bias = tf.dtypes.cast(tf.constant(new float[CHANNELS]), TBfloat16.class);
      Operand<TBfloat16> y = new LinearOutput<>(x, bias, Shape.of(rows, CHANNELS)).sum(tf);
      Operand<TBfloat16> gradient = tf.gradients(y, List.of(bias)).dy(0);
      for (double found : Graphs.evaluate(graph, tf.dtypes.cast(gradient, TFloat32.class))) {
        assertEquals(rows, found);
      }
    }
  }
}
