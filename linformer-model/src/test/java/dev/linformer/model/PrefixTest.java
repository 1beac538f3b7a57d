package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Two models of a kind in one graph, under prefixes of their own. */
class PrefixTest {

  private static final int N = 13;
  private static final int C = 6;

  private static LinformerConfigBuilder stack() {
    return LinformerConfig.builder(N, C, 5).heads(2).feedForwardDim(7).dropout(0.25);
  }

  static Stream<ModelConfig> configs() {
    LinformerConfig stack = stack().build();
    return Stream.of(
        stack,
        stack().decoderMode(true).parameterSharing(ParameterSharing.HEADWISE).build(),
        LinformerClassifierConfig.builder(stack, 11, 3).build(),
        LinformerLMConfig.builder(stack, 11).embeddingDim(8).build(),
        LinformerLMConfig.builder(stack, 11).positions(LinformerLMConfig.Positions.LEARNED).build(),
        LinformerEncDecConfig.builder(stack, 11, stack, 17).build());
  }

  /** The sum of the cubes of a model's output, on inputs that have no mask. */
  private static Operand<TFloat32> loss(Ops tf, Model<TFloat32> model) {
    Map<String, Operand<?>> inputs = new HashMap<>();
    for (Model.Input input : model.inputs()) {
      if (input.type() == TInt32.class) {
        inputs.put(input.name(), tf.constant(new int[2][N])); // [b,n]
      } else if (input.type() == TFloat32.class) {
        Shape shape = Shape.of(2, N, C);
        inputs.put(
            input.name(),
            Graphs.constant(tf, TFloat32.class, shape, Graphs.normal(3, shape.size()))); // [b,n,c]
      }
    }
    var key = new RandomKey(tf.constant(new long[] {1, 2}));
    Operand<TFloat32> y = model.call(tf, inputs, key);
    return tf.sum(
        tf.reshape(tf.math.mul(y, tf.math.square(y)), tf.constant(new int[] {-1})),
        tf.constant(0)); // []
  }

  @ParameterizedTest
  @MethodSource("configs")
  void bothInitializeAndTrain(ModelConfig config) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 5);
      Model<TFloat32> left = config.declare(variables, "left.");
      int count = variables.weights().size();
      Model<TFloat32> right = config.declare(variables, "right.");
      List<Variables.Weight<TFloat32>> weights = variables.weights();
      assertEquals(2 * count, weights.size());
      Set<String> keys = new HashSet<>();
      for (int i = 0; i < 2 * count; i++) {
        String prefix = i < count ? "left." : "right.";
        var parameter = weights.get(i).parameter();
        assertTrue(parameter.name().startsWith(prefix), parameter.name());
        assertEquals(
            parameter.name().substring(prefix.length()),
            weights.get(i % count).parameter().name().substring("left.".length()));
        for (List<String> slice : parameter.slices()) {
          for (String key : slice) {
            assertTrue(key.startsWith(prefix) && keys.add(key), key);
          }
        }
      }
      Operand<TFloat32> loss = tf.math.add(loss(tf, left), loss(tf, right)); // []
      var gradients = tf.gradients(loss, weights.stream().map(Variables.Weight::value).toList());
      try (Session session = new Session(graph)) {
        session.initialize();
        List<Operand<?>> fetched = new ArrayList<>();
        gradients.dy().forEach(fetched::add);
        List<double[]> values = Values.fetch(session, fetched);
        assertTrue(Arrays.stream(values.get(0)).anyMatch(value -> value != 0));
        assertTrue(Arrays.stream(values.get(count)).anyMatch(value -> value != 0));
        assertFalse(Arrays.equals(values.get(0), values.get(count))); // their weights differ
      }
    }
  }

  @ParameterizedTest
  @MethodSource("configs")
  void anEmptyPrefixIsNone(ModelConfig config) {
    assertArrayEquals(names(config, true), names(config, false));
  }

  private static Object[] names(ModelConfig config, boolean prefixed) {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      if (prefixed) {
        config.declare(variables, "");
      } else {
        config.declare(variables);
      }
      assertThrows(IllegalArgumentException.class, () -> config.declare(variables));
      return variables.weights().stream().map(weight -> weight.parameter().name()).toArray();
    }
  }
}
