package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class ParameterFactoryTest {

  @Test
  void layersHaveTheBackendThatTheirWeightsComeWith() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Map<String, Operand<TFloat32>> created = new HashMap<>();
      ParameterFactory<TFloat32> parameters =
          parameter -> {
            Operand<TFloat32> weight =
                tf.zeros(tf.constant(parameter.shape().asArray()), TFloat32.class);
            created.put(parameter.name(), weight);
            return weight;
          };
      assertEquals(Backend.PORTABLE, parameters.backend());
      assertEquals(Backend.PORTABLE, LayerNorm.declare(parameters, "norm", 3).backend());
      for (Backend backend : Backend.values()) {
        LayerNorm<TFloat32> norm = LayerNorm.declare(parameters.on(backend), "norm", 3);
        assertEquals(backend, norm.backend());
        assertEquals(backend, norm.map(weight -> weight).backend());
        assertSame(created.get("norm.weight"), norm.weight());
        FeedForward<TFloat32> feedForward =
            FeedForward.declare(parameters.on(backend), "ff", 3, 5, 2, Activation.GELU, false);
        assertEquals(backend, feedForward.backend());
        assertEquals(backend, feedForward.map(weight -> weight).backend());
        assertEquals(backend, parameters.on(Backend.GPU_KERNELS).on(backend).backend());
      }
    }
  }
}
