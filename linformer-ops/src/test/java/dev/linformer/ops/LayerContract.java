package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** What holds for every layer, whatever it computes, as one test a property. */
public final class LayerContract {

  /** A layer that asks for its weights and adds itself to a graph; a method reference will do. */
  @FunctionalInterface
  public interface Layer {
    /** The output for x. */
    <T extends TFloating> Operand<T> build(Ops tf, ParameterFactory<T> parameters, Operand<T> x);
  }

  private final Layer layer;
  private final Shape shape;
  private final BiFunction<Map<String, double[]>, double[], double[]> naive;
  private final Weights weights = new Weights();
  private final double[] x;

  private LayerContract(
      Layer layer, Shape shape, BiFunction<Map<String, double[]>, double[], double[]> naive) {
    this.layer = layer;
    this.shape = shape;
    this.naive = naive;
    this.x = Graphs.normal(7, shape.size());
  }

  /**
   * The value is the naive one; float32 agrees; sequences of a batch don't see each other; the size
   * of the batch may be unknown; gradients of the input and of every weight are right.
   *
   * @param name goes before the names of the tests
   * @param shape of the input, its first axis the batch
   * @param naive the output from the state dictionary and the input
   */
  public static Stream<DynamicTest> tests(
      String name,
      Layer layer,
      Shape shape,
      BiFunction<Map<String, double[]>, double[], double[]> naive) {
    var contract = new LayerContract(layer, shape, naive);
    return Stream.of(
        dynamicTest(name + ": value", contract::value),
        dynamicTest(name + ": float32", contract::float32),
        dynamicTest(name + ": batch", contract::batch),
        dynamicTest(name + ": unknown batch", contract::unknownBatch),
        dynamicTest(name + ": gradients", contract::gradients));
  }

  private void value() {
    double[] found = run(TFloat64.class, shape, x);
    Graphs.assertClose(naive.apply(weights.stateDictionary(), x), found, 1e-12);
  }

  private void float32() {
    Graphs.assertClose(run(TFloat64.class, shape, x), run(TFloat32.class, shape, x), 1e-5);
  }

  private void batch() {
    int b = Math.toIntExact(shape.get(0));
    int size = x.length / b;
    double[] oneByOne =
        IntStream.range(0, b)
            .mapToObj(i -> Arrays.copyOfRange(x, i * size, (i + 1) * size))
            .flatMapToDouble(row -> Arrays.stream(run(TFloat64.class, withBatch(1), row)))
            .toArray();
    Graphs.assertClose(oneByOne, run(TFloat64.class, shape, x), 1e-14);
  }

  private void unknownBatch() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var input = tf.placeholder(TFloat64.class, Placeholder.shape(withBatch(Shape.UNKNOWN_SIZE)));
      var output = layer.build(tf, weights.constants(tf, TFloat64.class), input);
      var known =
          layer.build(tf, weights.constants(tf, TFloat64.class), Graphs.constant(tf, shape, x));
      long[] sizes = known.shape().asArray();
      sizes[0] = Shape.UNKNOWN_SIZE;
      assertArrayEquals(sizes, output.shape().asArray()); // unknown sizes are never equal as shapes
      Graphs.assertClose(
          run(TFloat64.class, shape, x), Graphs.evaluate(graph, output, input, shape, x), 1e-14);
    }
  }

  private void gradients() {
    run(TFloat64.class, shape, x); // declares the weights
    var inputs = new ArrayList<GradientCheck.Input>();
    inputs.add(new GradientCheck.Input("x", shape, x));
    inputs.addAll(weights.inputs());
    GradientCheck.check(inputs, this::ofPlaceholders);
  }

  private Operand<TFloat64> ofPlaceholders(Ops tf, List<Operand<TFloat64>> inputs) {
    return layer.build(tf, weights.operands(inputs.subList(1, inputs.size())), inputs.get(0));
  }

  private <T extends TFloating> double[] run(Class<T> type, Shape inputShape, double[] input) {
    return Graphs.evaluate(
        tf ->
            layer.build(
                tf, weights.constants(tf, type), Graphs.constant(tf, type, inputShape, input)));
  }

  private Shape withBatch(long b) {
    long[] sizes = shape.asArray();
    sizes[0] = b;
    return Shape.of(sizes);
  }
}
