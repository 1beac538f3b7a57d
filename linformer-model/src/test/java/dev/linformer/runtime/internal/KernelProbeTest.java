package dev.linformer.runtime.internal;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.linformer.ops.Backend;
import dev.linformer.ops.internal.attention.LinearAttention;
import dev.linformer.runtime.internal.KernelProbe.Check;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** What is tried before kernels are used, as far as a CPU can tell. */
class KernelProbeTest {

  /**
   * One forward and two backward of attention, one and one of the others, and GELU of a product.
   */
  @Test
  void everyKindIsTried() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = KernelProbe.input(tf);
      KernelProbe.attention(tf, x);
      assertEquals(3, calls(graph).size());
      KernelProbe.layers(tf, x, Backend.GPU_KERNELS);
      assertEquals(3 + 2 + 2 + 1, calls(graph).size());
    }
  }

  /** The numbers are those of the layers, and another one is noticed. */
  @Test
  void expectsWhatTheLayersCompute() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = KernelProbe.input(tf);
      List<Check> checks = KernelProbe.layers(tf, x, Backend.PORTABLE);
      assertEquals(0, calls(graph).size());
      assertTrue(KernelProbe.pass(session, x, checks));
      for (Check check : checks) {
        double off = check.expected() * 1.1 + 0.1;
        assertFalse(KernelProbe.pass(session, x, List.of(new Check(check.value(), off))));
        assertFalse(KernelProbe.pass(session, x, List.of(new Check(check.value(), Double.NaN))));
      }
    }
  }

  /** Of all scores alike, by TensorFlow's own operations. */
  @Test
  void attentionOfEqualScores() {
    try (Graph graph = new Graph();
        Session session = new Session(graph)) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = KernelProbe.input(tf);
      var heads = tf.constant(new long[] {1, 1, x.shape().get(1), x.shape().get(2)});
      Operand<TFloat32> q = tf.reshape(x, heads); // [1,1,n,c]
      Operand<TFloat32> k = tf.reshape(x, heads); // [1,1,n,c]
      Operand<TFloat32> v = tf.reshape(x, heads); // [1,1,n,c]
      Operand<TFloat32> y = LinearAttention.call(tf, q, k, v, 0, null); // [1,1,n,c]
      var gradients = tf.gradients(y, List.of(q, k, v));
      List<Check> made = KernelProbe.attention(tf, x);
      List<Operand<TFloat32>> plain = List.of(y, gradients.dy(0), gradients.dy(1), gradients.dy(2));
      for (int i = 0; i < plain.size(); i++) {
        Check same = new Check(plain.get(i), made.get(i).expected());
        assertTrue(KernelProbe.pass(session, x, List.of(same)), "tensor " + i);
      }
    }
  }

  @Test
  void failsWithoutAGpu() {
    assumeFalse(Devices.compute(DeviceType.GPU), "TensorFlow has a GPU here");
    assertFalse(KernelProbe.passes(0));
  }
}
