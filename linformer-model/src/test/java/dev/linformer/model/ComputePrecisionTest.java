package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** Layers in bfloat16, whose numbers have 8 bits, about 0.4 %. */
class ComputePrecisionTest {

  private static final int N = 64;
  private static final int C = 24;

  private static LinformerConfigBuilder config(CheckpointLevel level, ComputePrecision precision) {
    return LinformerConfig.builder(N, C, 8)
        .headDim(16)
        .heads(3)
        .depth(2)
        .feedForwardDim(40)
        .dropout(0.2)
        .feedForwardDropout(0.1)
        .checkpointLevel(level)
        .chunk(24)
        .precision(precision);
  }

  /** Output, then gradients of weights, in float32. */
  private static List<double[]> values(LinformerConfig config) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 5);
      var model = Linformer.declare(variables, config);
      Shape shape = Shape.of(2, N, C);
      Operand<TFloat32> x =
          Graphs.constant(tf, TFloat32.class, shape, Graphs.normal(1, shape.size()));
      Operand<TFloat32> y = model.call(tf, x, new RandomKey(tf.constant(new long[] {1, 2})));
      assertEquals(TFloat32.class, y.type());
      Operand<TFloat32> r =
          Graphs.constant(tf, TFloat32.class, shape, Graphs.normal(2, shape.size()));
      Operand<TFloat32> flat = tf.reshape(tf.math.mul(y, r), tf.constant(new int[] {-1}));
      Operand<TFloat32> loss = tf.sum(flat, tf.constant(0));
      var gradients =
          tf.gradients(loss, variables.weights().stream().map(Variables.Weight::value).toList());
      List<Operand<?>> fetched = new ArrayList<>(List.of(y));
      gradients.dy().forEach(fetched::add);
      try (Session session = new Session(graph)) {
        session.initialize();
        return Values.fetch(session, fetched);
      }
    }
  }

  private static double distance(double[] expected, double[] found) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (expected[i] - found[i]) * (expected[i] - found[i]);
      size += expected[i] * expected[i];
    }
    return Math.sqrt(difference / size);
  }

  @ParameterizedTest
  @EnumSource
  void outputAndGradientsAreCloseAtEveryLevel(CheckpointLevel level) {
    List<double[]> wide = values(config(CheckpointLevel.C0, ComputePrecision.FLOAT32).build());
    List<double[]> narrow = values(config(level, ComputePrecision.BF16).build());
    double output = distance(wide.get(0), narrow.get(0));
    assertTrue(output > 1e-4 && output < 1e-2, "output " + output);
    for (int i = 1; i < wide.size(); i++) {
      double gradient = distance(wide.get(i), narrow.get(i));
      assertTrue(gradient < 5e-2, "gradient %s: %s".formatted(i, gradient));
    }
  }

  @Test
  void productsAreNarrowAndStatisticsAreNot() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 5);
      var model =
          Linformer.declare(
              variables, "", config(CheckpointLevel.C0, ComputePrecision.BF16).dropout(0).build());
      model.call(
          tf, Graphs.constant(tf, TFloat32.class, Shape.of(1, N, C), new double[N * C]), null);
      graph
          .operations()
          .forEachRemaining(
              operation -> {
                String type = operation.type();
                if (type.endsWith("MatMul") || type.startsWith("BatchMatMul")) {
                  assertEquals("TBfloat16", operation.output(0).type().getSimpleName(), type);
                }
                if (type.equals("Softmax") || type.equals("Rsqrt") || type.equals("Erf")) {
                  assertEquals(TFloat32.class, operation.output(0).type(), type);
                }
              });
    }
  }
}
