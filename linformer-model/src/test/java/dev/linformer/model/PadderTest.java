package dev.linformer.model;

import dev.linformer.model.LinformerLMConfig.Positions;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.Weights;
import dev.linformer.ops.internal.Shapes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;

/** A padded input, cut back, gives what the model gives for the short input itself. */
class PadderTest {

  private static final int B = 2;
  private static final int N = 15; // three windows of five positions
  private static final int C = 7;
  private static final int VOCABULARY = 11;

  /** From a part of a window to all of them. */
  private static final int[] LENGTHS = {1, 2, 7, 10, 14, 15};

  static Stream<LinformerConfig> configs() {
    return MaskingTest.builders().stream().map(LinformerConfigBuilder::build);
  }

  @ParameterizedTest
  @MethodSource("configs")
  void encoder(LinformerConfig config) {
    List<Operand<TFloat64>> expected = new ArrayList<>();
    List<Operand<TFloat64>> found = new ArrayList<>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model = Linformer.declare(weights(tf), config);
      for (int m : LENGTHS) {
        Shape shape = Shape.of(B, m, C);
        Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(m, shape.size()));
        expected.add(model.call(tf, x, null));
        found.add(Padder.encode(tf, model, x, N, null));
      }
      assertClose(graph, expected, found);
    }
  }

  @ParameterizedTest
  @MethodSource("configs")
  void languageModel(LinformerConfig config) {
    List<Operand<TFloat64>> expected = new ArrayList<>();
    List<Operand<TFloat64>> found = new ArrayList<>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Positions positions =
          config.projectionMethod().windows() ? Positions.SINUSOID : Positions.LEARNED;
      var model =
          LinformerLM.declare(
              weights(tf),
              "",
              LinformerLMConfig.builder(config, VOCABULARY)
                  .embeddingDim(10)
                  .tokenDropout(0)
                  .positions(positions)
                  .returnEmbeddings(config.causal())
                  .build());
      for (int m : LENGTHS) {
        int[] tokens = new Random(m).ints((long) B * m, 0, VOCABULARY).toArray();
        Operand<TInt32> x = tf.constant(Shape.of(B, m), DataBuffers.of(tokens));
        expected.add(model.call(tf, x, Context.none(), null));
        found.add(Padder.language(tf, model, x, N, null));
      }
      assertClose(graph, expected, found);
    }
  }

  /** A short input that has padding of its own: the same at the full length. */
  @ParameterizedTest
  @MethodSource("configs")
  void aShorterInputWithAMask(LinformerConfig config) {
    List<Operand<TFloat64>> expected = new ArrayList<>();
    List<Operand<TFloat64>> found = new ArrayList<>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var model = Linformer.declare(weights(tf), config);
      for (int m : LENGTHS) {
        Shape shape = Shape.of(B, m, C);
        Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(m, shape.size()));
        Operand<TFloat64> whole = Shapes.padTo(tf, "x", x, 1, N);
        // The first position is real, so that every row sees something.
        Operand<TFloat64> y = model.call(tf, x, Context.withMask(everyThird(tf, m, m)), null);
        expected.add(y);
        Operand<TFloat64> z = model.call(tf, whole, Context.withMask(everyThird(tf, m, N)), null);
        found.add(Shapes.slice(tf, z, 1, 0, m));
      }
      assertClose(graph, expected, found);
    }
  }

  /** Of the first m positions every third is padded; all after them are. */
  private static Operand<TBool> everyThird(Ops tf, int m, int length) {
    var values = new boolean[B * length];
    for (int i = 0; i < values.length; i++) {
      int position = i % length;
      values[i] = position < m && position % 3 != 2;
    }
    return tf.reshape(tf.constant(values), tf.constant(new int[] {B, length}));
  }

  private static ParameterFactory<TFloat64> weights(Ops tf) {
    return new Weights().constants(tf, TFloat64.class);
  }

  private static void assertClose(
      Graph graph, List<Operand<TFloat64>> expected, List<Operand<TFloat64>> found) {
    List<Operand<TFloat64>> all = new ArrayList<>(expected);
    all.addAll(found);
    List<double[]> values = Values.evaluate(graph, all);
    for (int i = 0; i < LENGTHS.length; i++) {
      Values.assertClose(
          LENGTHS[i] + " positions", values.get(i), values.get(LENGTHS.length + i), 1e-12);
    }
  }
}
