package example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Variables;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class ModelTest {

  @Test
  void encodes() {
    LinformerConfig config = LinformerConfig.builder(8, 4, 2).heads(2).depth(1).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var weights = Variables.random(tf, TFloat32.class, 42);
      var model = Linformer.declare(weights, "", config);
      Operand<TFloat32> x = tf.zeros(tf.constant(new long[] {1, 8, 4}), TFloat32.class);
      Operand<TFloat32> y = model.call(tf, x, null);
      try (Session session = new Session(graph);
          Result result = session.runner().fetch(y).run()) {
        assertEquals(Shape.of(1, 8, 4), result.get(0).shape());
      }
    }
  }
}
