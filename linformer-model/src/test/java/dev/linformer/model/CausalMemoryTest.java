package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.gradient.Memory;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.RunMetadata;
import org.tensorflow.types.TFloat32;

/**
 * The loss and the gradients of a causal encoder with 65,536 positions never hold a matrix [k,d] a
 * position: all together they take less than the keys of every prefix alone would. By TensorFlow's
 * records of one thread, which are the same on every machine.
 */
class CausalMemoryTest {

  private static final int N = 65_536;
  private static final int CHANNELS = 16;
  private static final int HEADS = 2;
  private static final int HEAD_DIM = 32;
  private static final int PROJECTED = 64;

  @Test
  void growsWithoutAMatrixAPosition() {
    long peak = Memory.peak(step());
    long tensor = (long) N * PROJECTED * HEAD_DIM * HEADS * Float.BYTES; // [n,k,d] a head
    System.out.printf(
        Locale.ROOT, "causal memory: %,d bytes; [n,k,d] is %,d bytes%n", peak, tensor);
    assertTrue(peak < tensor, () -> String.format(Locale.ROOT, "%,d bytes of %,d", peak, tensor));
  }

  private static RunMetadata step() {
    LinformerConfig config =
        LinformerConfig.builder(N, CHANNELS, PROJECTED)
            .heads(HEADS)
            .headDim(HEAD_DIM)
            .feedForwardDim(CHANNELS)
            .dropout(0)
            .feedForwardDropout(0)
            .causal(true)
            .build();
    try (Graph graph = new Graph();
        Session session = new Session(graph, Memory.exact())) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 1);
      var model = config.declare(variables);
      Operand<TFloat32> y = model.call(tf, normal(tf, 1), null);
      Operand<TFloat32> loss =
          tf.math.mean(tf.math.mul(y, normal(tf, 3)), tf.constant(new int[] {0, 1, 2}));
      var values = variables.weights().stream().map(Variables.Weight::value).toList();
      var gradients = tf.gradients(loss, values);
      session.initialize();
      var runner = session.runner().fetch(loss);
      gradients.forEach(runner::addTarget);
      return Memory.trace(runner);
    }
  }

  /** [1,n,c]. */
  private static Operand<TFloat32> normal(Ops tf, long seed) {
    return tf.random.statelessRandomNormal(
        tf.constant(new int[] {1, N, CHANNELS}), tf.constant(new long[] {seed, seed + 1}));
  }
}
