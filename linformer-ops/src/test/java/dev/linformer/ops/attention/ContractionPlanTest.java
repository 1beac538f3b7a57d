package dev.linformer.ops.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Visibility;
import dev.linformer.ops.Weights;
import dev.linformer.ops.internal.attention.ContractionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;

/** Every order of the products is the same function, and the cheapest is taken. */
class ContractionPlanTest {

  private static final int N = 7;
  private static final int C = 11;
  private static final int D = 3;
  private static final int H = 2;
  private static final int K = 5;

  static Stream<Arguments> cases() {
    return Stream.of(Projections.values())
        .flatMap(
            projections ->
                Stream.of(Visibility.values())
                    .flatMap(
                        visibility ->
                            Stream.of(
                                Arguments.of(projections, visibility, 1),
                                Arguments.of(projections, visibility, 2))));
  }

  /** Output, and gradients of input and weights, in a row. */
  private static double[] values(
      Projections projections, Visibility visibility, int b, ContractionPlan plan) {
    Weights weights = new Weights();
    return Graphs.evaluate(
        tf -> {
          var parameters = weights.constants(tf, TFloat64.class);
          var ef = projections.declare(parameters, "fn", H, K, N);
          var spec = new AttentionSpec(C, H, D, null, false, visibility);
          var cheapest = MultiHeadAttention.declare(parameters, "fn", spec, ef.get(0), ef.get(1));
          var attention = new MultiHeadAttention<>(cheapest.weights().withPlan(plan));
          Shape shape = Shape.of(b, N, C);
          Operand<TFloat64> x = Graphs.constant(tf, shape, Graphs.normal(5, shape.size()));
          boolean[] real = new boolean[b * N];
          for (int i = 0; i < real.length; i++) {
            real[i] = i % N != 2;
          }
          var mask = tf.reshape(tf.constant(real), tf.constant(new int[] {b, N}));
          var key = new RandomKey(tf.constant(new long[] {3, 4}));
          Operand<TFloat64> y = attention.call(tf, x, x, mask, 0.3, key);
          List<Operand<TFloat64>> targets = new ArrayList<>(List.of(x));
          attention.map(
              weight -> {
                if (!targets.contains(weight)) { // E may be F
                  targets.add(weight);
                }
                return weight;
              });
          Operand<TFloat64> sum = flat(tf, tf.math.square(y));
          var gradients = tf.gradients(tf.sum(sum, tf.constant(0)), targets);
          List<Operand<TFloat64>> all = new ArrayList<>(List.of(flat(tf, y)));
          for (int i = 0; i < targets.size(); i++) {
            all.add(flat(tf, gradients.<TFloat64>dy(i)));
          }
          return tf.concat(all, tf.constant(0));
        });
  }

  private static Operand<TFloat64> flat(Ops tf, Operand<TFloat64> x) {
    return tf.reshape(x, tf.constant(new int[] {-1}));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void allOrdersAgree(Projections projections, Visibility visibility, int b) {
    double[] expected =
        values(projections, visibility, b, new ContractionPlan(false, false, false));
    for (int i = 1; i < 8; i++) {
      var plan = new ContractionPlan((i & 1) > 0, (i & 2) > 0, (i & 4) > 0);
      Graphs.assertClose(expected, values(projections, visibility, b, plan), 1e-11);
    }
  }

  @Test
  void wideHeadsAreFoldedAndNarrowOnesAreNot() {
    var readme = new ContractionPlan.Sizes(262144, 262144, 64, 4, 4, 256, 128, 64, 1);
    assertEquals(new ContractionPlan(true, true, true), ContractionPlan.choose(readme, true));
    var roberta = new ContractionPlan.Sizes(4096, 4096, 768, 12, 12, 64, 256, 768, 1);
    assertEquals(new ContractionPlan(true, false, false), ContractionPlan.choose(roberta, true));
    // E of each head before W costs h·n·k·c, after it n·c·h·d + n·k·h·d.
    var perHead = new ContractionPlan.Sizes(4096, 4096, 768, 12, 12, 64, 256, 768, 24);
    assertEquals(new ContractionPlan(false, false, false), ContractionPlan.choose(perHead, true));
  }

  @Test
  void theChosenOrderCostsLeast() {
    for (long d : new long[] {8, 64, 512}) {
      for (boolean training : new boolean[] {false, true}) {
        var sizes = new ContractionPlan.Sizes(4096, 4096, 96, 6, 6, d, 128, 96, 2);
        double chosen = ContractionPlan.choose(sizes, training).cost(sizes, training);
        for (int i = 0; i < 8; i++) {
          var plan = new ContractionPlan((i & 1) > 0, (i & 2) > 0, (i & 4) > 0);
          assertTrue(chosen <= plan.cost(sizes, training), plan.toString());
        }
      }
    }
  }
}
