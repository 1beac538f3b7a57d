package dev.linformer.ops.projection;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

class IdentityProjectionTest {

  @Test
  void addsNothing() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat64> x = Graphs.constant(tf, Shape.of(1, 2, 3), 1, 2, 3, 4, 5, 6);
      var projection = new IdentityProjection<TFloat64>();
      assertTrue(projection.beforeHeads());
      assertSame(x, projection.compress(tf, x));
      assertSame(x, projection.addBias(tf, x));
    }
  }
}
