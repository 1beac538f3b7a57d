package example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.Initialization;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class OpsTest {

  @Test
  void builds() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> weight =
          Initialization.xavierNormal(3, 5).operand(tf, Shape.of(3, 5), TFloat32.class, 1);
      try (Session session = new Session(graph);
          Result result = session.runner().fetch(weight).run()) {
        assertEquals(Shape.of(3, 5), result.get(0).shape());
      }
    }
  }
}
