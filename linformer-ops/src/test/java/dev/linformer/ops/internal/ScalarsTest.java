package dev.linformer.ops.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.Graphs;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class ScalarsTest {

  @ParameterizedTest
  @ValueSource(classes = {TBfloat16.class, TFloat32.class, TFloat64.class})
  void roundsOnceToTheType(Class<? extends TFloating> type) {
    double third = 1.0 / 3;
    double expected =
        type == TFloat64.class ? third : type == TFloat32.class ? (float) third : 171.0 / 512;
    try (Graph graph = new Graph()) {
      var scalar = Scalars.of(Ops.create(graph), third, type);
      assertEquals(type, scalar.type());
      assertEquals(Shape.scalar(), scalar.shape());
      assertEquals(expected, Graphs.evaluate(graph, scalar)[0]);
    }
  }
}
