package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

class DenseTest {

  @TestFactory
  Stream<DynamicTest> biased() {
    return Stream.of(Shape.of(7, 13), Shape.of(2, 7, 13), Shape.of(2, 3, 5, 13))
        .flatMap(
            shape ->
                LayerContract.tests("bias, " + shape, DenseTest::biased, shape, DenseTest::naive));
  }

  @TestFactory
  Stream<DynamicTest> plain() {
    return Stream.of(Shape.of(7, 13), Shape.of(2, 7, 13), Shape.of(2, 3, 5, 13))
        .flatMap(
            shape ->
                LayerContract.tests(
                    "no bias, " + shape, DenseTest::plain, shape, DenseTest::naive));
  }

  @Test
  void multipliesByTheTransposeAndThenAddsTheBias() {
    double[] y =
        Graphs.evaluate(
            tf ->
                new Dense<>(
                        Graphs.constant(tf, Shape.of(3, 2), 1, 2, 3, 4, 5, 6),
                        Graphs.constant(tf, Shape.of(3), 100, 200, 300))
                    .call(tf, Graphs.constant(tf, Shape.of(2, 2), 1, 0, 10, 1)));
    Graphs.assertClose(new double[] {101, 203, 305, 112, 234, 356}, y, 0);
  }

  @Test
  void acceptsAVector() {
    double[] y =
        Graphs.evaluate(
            tf ->
                new Dense<>(Graphs.constant(tf, Shape.of(1, 2), 3, 4), null)
                    .call(tf, Graphs.constant(tf, Shape.of(2), 1, 10)));
    Graphs.assertClose(new double[] {43}, y, 0);
  }

  @Test
  void declaresWhatPyTorchWould() {
    var asked = new ArrayList<Parameter>();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Dense.<TFloat64>declare(
          parameter -> {
            asked.add(parameter);
            return tf.zeros(tf.constant(parameter.shape()), TFloat64.class);
          },
          "to_logits",
          16,
          3);
    }
    var quarter = new Initialization(Initialization.Distribution.UNIFORM, 0.25); // 1/√16
    assertEquals(
        List.of(
            new Parameter("to_logits.weight", Shape.of(3, 16), quarter),
            new Parameter("to_logits.bias", Shape.of(3), quarter)),
        asked);
  }

  @Test
  void refusesAnotherWidth() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var dense = new Dense<>(Graphs.constant(tf, Shape.of(1, 2), 3, 4), null);
      var x = Graphs.constant(tf, Shape.of(1, 1, 3), 1, 2, 3);
      var error = assertThrows(IllegalArgumentException.class, () -> dense.call(tf, x));
      assertEquals("Dense: axis 2 must be 2 (inputs), found 3 in [1, 1, 3]", error.getMessage());
    }
  }

  private static double[] naive(Map<String, double[]> weights, double[] x) {
    double[] weight = weights.get("dense.weight");
    double[] bias = weights.getOrDefault("dense.bias", new double[17]);
    return Naive.linear(x, weight == null ? new double[0] : weight, bias);
  }

  private static <T extends TFloating> Operand<T> biased(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    return Dense.declare(parameters, "dense", 13, 17).call(tf, x);
  }

  private static <T extends TFloating> Operand<T> plain(
      Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
    var weight = new Parameter("dense.weight", Shape.of(17, 13), Initialization.linear(13));
    return new Dense<>(parameters.create(weight), null).call(tf, x);
  }
}
