package dev.linformer.ops;

import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

class ActivationTest {

  private static final Shape SHAPE = Shape.of(2, 7, 13);

  private record Elementwise(Activation activation) implements LayerContract.Layer {
    @Override
    public <T extends TFloating> Operand<T> build(
        Ops tf, ParameterFactory<T> parameters, Operand<T> x) {
      return activation.call(tf, x);
    }
  }

  @TestFactory
  Stream<DynamicTest> contract() {
    return Stream.of(Activation.values())
        .flatMap(
            activation ->
                LayerContract.tests(
                    activation.name(),
                    new Elementwise(activation),
                    SHAPE,
                    (w, x) -> Naive.activate(activation, x)));
  }

  @Test
  void geluIsTheErfFormAtKnownPoints() {
    // Φ(1) = 0.84134…; the tanh form gives 0.84119.
    double[] expected = {-0.15865525393145705, 0, 0.8413447460685429, 100};
    Graphs.assertClose(expected, of(Activation.GELU, -1, 0, 1, 100), 1e-17);
    Graphs.assertClose(new double[] {0.8413447460685429}, of(Activation.GELU, 1), 1e-15);
  }

  @Test
  void geluFollowsTheErfOverItsWholeRange() {
    double[] x = DoubleStream.iterate(-9, v -> v <= 9, v -> v + 0.125).toArray();
    Graphs.assertClose(Naive.gelu(x), of(Activation.GELU, x), 1e-15);
  }

  @Test
  void reluIsZeroUpToZero() {
    Graphs.assertClose(new double[] {0, 0, 0, 2}, of(Activation.RELU, -3, -0.0, 0, 2), 0);
  }

  @Test
  void siluAtKnownPoints() {
    // sigmoid(1) = 0.73105…; large values go neither to NaN nor below their limits.
    double[] expected = {0, -0.2689414213699951, 0, 0.7310585786300049, 1000};
    Graphs.assertClose(expected, of(Activation.SILU, -1000, -1, 0, 1, 1000), 1e-15);
  }

  private static double[] of(Activation activation, double... x) {
    return Graphs.evaluate(tf -> activation.call(tf, Graphs.constant(tf, Shape.of(x.length), x)));
  }
}
