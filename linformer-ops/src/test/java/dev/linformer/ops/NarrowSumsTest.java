package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.projection.ConvolutionProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.PoolingProjection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Sums of so many ones that one made in bfloat16 would stop at 256, or at 512. */
class NarrowSumsTest {

  private static final int MANY = 4_096;

  private static Operand<TBfloat16> ones(Ops tf, long... sizes) {
    return tf.dtypes.cast(tf.fill(tf.constant(sizes), tf.constant(1f)), TBfloat16.class);
  }

  private static Operand<TBfloat16> gradient(
      Ops tf, Operand<TBfloat16> y, Operand<TBfloat16> weight) {
    return tf.gradients(y, List.of(weight)).dy(0);
  }

  private static void assertAll(Map<String, Double> expected, Graph graph, Map<String, ?> sums) {
    sums.forEach(
        (what, sum) -> {
          for (double found : Graphs.evaluate(graph, (Operand<?>) sum)) {
            assertEquals(expected.get(what), found, what);
          }
        });
  }

  /** Of all places of a row. */
  @Test
  void embedding() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> table = ones(tf, 1, 3);
      var numbers = tf.fill(tf.constant(new int[] {2, MANY / 2}), tf.constant(0));
      Operand<TBfloat16> rows = Embedding.call(tf, table, numbers);
      assertEquals(Shape.of(2, MANY / 2, 3), rows.shape());
      assertAll(
          Map.of("rows", 1.0, "gradient", (double) MANY),
          graph,
          Map.of("rows", rows, "gradient", gradient(tf, rows, table)));
    }
  }

  /** Weights that are the same for all sequences, and for all positions. */
  @Test
  void overTheBatchAndPositions() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Map<String, Operand<?>> sums = new LinkedHashMap<>();

      Operand<TBfloat16> e = ones(tf, 2, 3);
      Operand<TBfloat16> shift = ones(tf, 2);
      var learned = new LearnedProjection<>(e, shift);
      Operand<TBfloat16> compressed = learned.compress(tf, ones(tf, MANY, 1, 3, 1));
      sums.put("E", gradient(tf, compressed, e));
      sums.put("bias of E", gradient(tf, learned.addBias(tf, compressed), shift));
      sums.put("E before heads", gradient(tf, learned.compress(tf, ones(tf, MANY, 3, 1)), e));

      Operand<TBfloat16> window = ones(tf, 1, 1, 2);
      Operand<TBfloat16> channel = ones(tf, 1);
      Operand<TBfloat16> windows =
          new ConvolutionProjection<>(window, channel, 4).compress(tf, ones(tf, MANY / 4, 1, 8, 1));
      sums.put("convolution", gradient(tf, windows, window));
      sums.put("bias of a convolution", gradient(tf, windows, channel));

      Operand<TBfloat16> scale = ones(tf, 1);
      Operand<TBfloat16> offset = ones(tf, 1);
      Operand<TBfloat16> normal = new LayerNorm<>(scale, offset).call(tf, ones(tf, 2, MANY / 2, 1));
      sums.put("bias of a norm", gradient(tf, normal, offset));

      Operand<TBfloat16> matrix = ones(tf, 1, 1);
      sums.put(
          "matrix",
          gradient(tf, new Dense<>(matrix, null).call(tf, ones(tf, 2, MANY / 2, 1)), matrix));

      Operand<TBfloat16> positions = ones(tf, 2, 1);
      Operand<TBfloat16> placed = tf.math.add(ones(tf, MANY, 2, 1), positions);
      sums.put("positions", gradient(tf, placed, positions));

      Map<String, Double> expected = new LinkedHashMap<>();
      sums.keySet().forEach(what -> expected.put(what, (double) MANY));
      assertAll(expected, graph, sums);
    }
  }

  @Test
  void means() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TBfloat16> x = ones(tf, 1, 2 * MANY, 3);
      var pool = new PoolingProjection<TBfloat16>(PoolingProjection.PoolKind.MEAN, 2 * MANY, 2);
      Operand<TFloat32> mean = tf.dtypes.cast(pool.compress(tf, x), TFloat32.class);
      assertAll(Map.of("mean", 1.0), graph, Map.of("mean", mean));
    }
  }
}
