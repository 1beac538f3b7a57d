package dev.linformer.ops.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.ops.Backend;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.LearnedProjection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

class IncrementalDecodingTest {

  private static final Shape ONE = Shape.of(1, 1, 1, 1);

  private static Operand<TBfloat16> one(Ops tf, long... sizes) {
    return Graphs.constant(tf, TBfloat16.class, Shape.of(sizes), 1);
  }

  /** All weights are 1. */
  private static MultiHeadAttention<TBfloat16> attention(Ops tf) {
    var map = new Dense<>(one(tf, 1, 1), null);
    var e = new LearnedProjection<>(one(tf, 1, 1), null);
    return new MultiHeadAttention<>(
        new MultiHeadWeights<>(
            1, map, map, map, e, e, List.of(map), Visibility.CAUSAL, null, Backend.PORTABLE));
  }

  /** A position adds 1: a state in bfloat16 would stop at 256. */
  @Test
  void theStateOfANarrowAttentionIsWide() {
    int positions = 600;
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var state = tf.placeholder(TFloat32.class, Placeholder.shape(ONE));
      Operand<TInt64> position = tf.constant(0L);
      var step =
          IncrementalDecoding.step(
              tf,
              attention(tf),
              one(tf, 1, 1, 1),
              position,
              new IncrementalDecoding.State<>(state, state));
      Operand<TFloat32> output = tf.dtypes.cast(step.output(), TFloat32.class);
      float now = 0;
      float last = 0;
      try (Session session = new Session(graph)) {
        for (int t = 0; t < positions; t++) {
          try (TFloat32 before = TFloat32.tensorOf(ONE, DataBuffers.of(now));
              var result =
                  session
                      .runner()
                      .feed(state, before)
                      .fetch(step.state().values())
                      .fetch(output)
                      .run()) {
            now = ((TFloat32) result.get(0)).getFloat(0, 0, 0, 0);
            last = ((TFloat32) result.get(1)).getFloat(0, 0, 0);
          }
        }
      }
      assertEquals(positions, now);
      assertEquals(positions, last);
    }
  }

  @Test
  void aNarrowStateIsRefused() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var attention = attention(tf);
      Operand<TBfloat16> x = one(tf, 1, 1, 1);
      var state = new IncrementalDecoding.State<>(one(tf, 1, 1, 1, 1), one(tf, 1, 1, 1, 1));
      Operand<TInt64> position = tf.constant(0L);
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> IncrementalDecoding.step(tf, attention, x, position, state));
      assertEquals(
          "MultiHeadAttention: a state in float32 or float64 expected, found TBfloat16, in which sums stop growing",
          e.getMessage());
    }
  }
}
