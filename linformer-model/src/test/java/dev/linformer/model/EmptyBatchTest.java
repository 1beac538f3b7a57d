package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.linformer.ops.RandomKey;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** A batch without sequences has a sum of 0 and gradients of 0, at every checkpoint level. */
class EmptyBatchTest {

  private static final int N = 13;

  @ParameterizedTest
  @EnumSource
  void gradientsAreZero(CheckpointLevel level) {
    LinformerConfig encoder =
        LinformerConfig.builder(N, 6, 5)
            .headDim(3)
            .heads(2)
            .depth(2)
            .dropout(0.2)
            .checkpointLevel(level)
            .chunk(5)
            .build();
    var config = LinformerClassifierConfig.builder(encoder, 7, 3).tokenDropout(0).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 5);
      Model<TFloat32> model = config.declare(variables);
      Placeholder<TInt32> tokens =
          tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE, N)));
      Operand<TFloat32> logits =
          model.call(
              tf,
              Map.of(LinformerLM.TOKENS, tokens),
              new RandomKey(tf.constant(new long[] {1, 2}))); // [b,3]
      Operand<TFloat32> loss = tf.sum(logits, tf.constant(new int[] {0, 1})); // scalar
      List<Variables.Weight<TFloat32>> weights = variables.trainable();
      var gradients = tf.gradients(loss, weights.stream().map(Variables.Weight::value).toList());
      try (Session session = new Session(graph);
          TInt32 none = TInt32.tensorOf(Shape.of(0, N))) {
        session.initialize();
        Session.Runner runner = session.runner().feed(tokens, none).fetch(loss);
        gradients.dy().forEach(runner::fetch);
        try (Result result = runner.run()) {
          assertArrayEquals(new double[1], Values.of(result.get(0)));
          for (int i = 0; i < weights.size(); i++) {
            Shape shape = weights.get(i).parameter().shape();
            assertEquals(shape, result.get(i + 1).shape());
            assertArrayEquals(
                new double[Math.toIntExact(shape.size())], Values.of(result.get(i + 1)));
          }
        }
      }
    }
  }
}
