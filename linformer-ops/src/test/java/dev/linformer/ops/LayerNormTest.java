package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

class LayerNormTest {

  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(Shape.of(7, 13), Shape.of(2, 7, 13), Shape.of(2, 3, 5, 13))
        .flatMap(
            shape ->
                LayerContract.tests(
                    "LayerNorm " + shape,
                    LayerNormTest::layerNorm,
                    shape,
                    (w, x) ->
                        Naive.layerNorm(
                            x,
                            w.getOrDefault("norm.weight", new double[0]),
                            w.getOrDefault("norm.bias", new double[0]))));
  }

  @Test
  void dividesByTheRootOfTheMeanSquareAndEpsilon() {
    // Mean 2, mean square 4.
    double unit = 2 / Math.sqrt(4 + 1e-5);
    Graphs.assertClose(new double[] {10 - 5 * unit, 20 + 7 * unit}, layerNorm(0, 4), 1e-15);
  }

  @Test
  void epsilonRulesWhereValuesAreNearlyEqual() {
    // Mean square 1e-6, a tenth of epsilon.
    double unit = 1e-3 / Math.sqrt(1e-6 + 1e-5);
    Graphs.assertClose(new double[] {10 - 5 * unit, 20 + 7 * unit}, layerNorm(-1e-3, 1e-3), 1e-15);
  }

  @Test
  void equalValuesGiveTheBias() {
    Graphs.assertClose(new double[] {10, 20}, layerNorm(3, 3), 0);
  }

  @Test
  void declaresOnesAndZeros() {
    var asked = new ArrayList<Parameter>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      LayerNorm.<TFloat64>declare(
          parameter -> {
            asked.add(parameter);
            return tf.zeros(tf.constant(parameter.shape()), TFloat64.class);
          },
          "norm",
          13);
    }
    assertEquals(
        List.of(
            new Parameter("norm.weight", Shape.of(13), Initialization.ONES),
            new Parameter("norm.bias", Shape.of(13), Initialization.ZEROS)),
        asked);
  }

  @Test
  void refusesAnotherWidth() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var one = Graphs.constant(tf, Shape.of(1), 1);
      var norm = new LayerNorm<>(one, one);
      // Would broadcast if nobody looked.
      var x = Graphs.constant(tf, Shape.of(1, 3), 1, 2, 3);
      var error = assertThrows(IllegalArgumentException.class, () -> norm.call(tf, x));
      assertEquals("LayerNorm: axis 1 must be 1 (channels), found 3 in [1, 3]", error.getMessage());
    }
  }

  private static double[] layerNorm(double... x) {
    return Graphs.evaluate(
        tf ->
            new LayerNorm<>(
                    Graphs.constant(tf, Shape.of(2), 5, 7),
                    Graphs.constant(tf, Shape.of(2), 10, 20))
                .call(tf, Graphs.constant(tf, Shape.of(1, 2), x)));
  }

  private static <T extends TFloating> Operand<T> layerNorm(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    return LayerNorm.declare(parameters, "norm", 13).call(tf, x);
  }
}
