package dev.linformer.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/** Operands from row-major arrays and back, each evaluation in a session of its own. */
public final class Graphs {

  private Graphs() {}

  /** {@code values} in the given type, as a constant. */
  public static <T extends TFloating> Operand<T> constant(
      Ops tf, Class<T> type, Shape shape, double... values) {
    return tf.dtypes.cast(tf.constant(shape, DataBuffers.of(values)), type);
  }

  /** {@link #constant(Ops, Class, Shape, double...)} in float64. */
  public static Operand<TFloat64> constant(Ops tf, Shape shape, double... values) {
    return constant(tf, TFloat64.class, shape, values);
  }

  /** The values of an operand that {@code build} adds to a new graph. */
  public static double[] evaluate(Function<Ops, ? extends Operand<? extends TType>> build) {
    try (Graph graph = new Graph()) {
      return evaluate(graph, build.apply(Ops.create(graph)));
    }
  }

  /** The values of an operand of any numeric type. */
  public static double[] evaluate(Graph graph, Operand<? extends TType> operand) {
    var wide = Ops.create(graph).dtypes.cast(operand, TFloat64.class);
    try (Session session = PlainSession.open(graph);
        var result = session.runner().fetch(wide).run()) {
      return values((TFloat64) result.get(0));
    }
  }

  /** The values of an operand when {@code placeholder} is fed. */
  public static double[] evaluate(
      Graph graph,
      Operand<? extends TType> operand,
      Operand<TFloat64> placeholder,
      Shape shape,
      double... fed) {
    var wide = Ops.create(graph).dtypes.cast(operand, TFloat64.class);
    try (Session session = PlainSession.open(graph);
        TFloat64 tensor = TFloat64.tensorOf(shape, DataBuffers.of(fed));
        var result = session.runner().feed(placeholder, tensor).fetch(wide).run()) {
      return values((TFloat64) result.get(0));
    }
  }

  /** A copy of a tensor's values. */
  public static double[] values(TFloat64 tensor) {
    var values = new double[Math.toIntExact(tensor.size())];
    tensor.asRawTensor().data().asDoubles().read(values);
    return values;
  }

  /** The number of operations so far. */
  public static int operations(Graph graph) {
    int count = 0;
    for (var i = graph.operations(); i.hasNext(); i.next()) {
      count++;
    }
    return count;
  }

  /** Standard normal values, the same for the same seed. */
  public static double[] normal(long seed, long size) {
    var random = new Random(seed);
    return DoubleStream.generate(random::nextGaussian).limit(size).toArray();
  }

  /** Fails unless every value is within {@code tolerance} times the largest expected one. */
  public static void assertClose(double[] expected, double[] actual, double tolerance) {
    assertEquals(expected.length, actual.length, "number of values");
    double unit = Arrays.stream(expected).map(Math::abs).max().orElse(0);
    for (int i = 0; i < expected.length; i++) {
      // Written so that NaN fails.
      if (!(Math.abs(expected[i] - actual[i]) <= tolerance * unit)) {
        fail("value %s: expected %s, found %s".formatted(i, expected[i], actual[i]));
      }
    }
  }

  /** Rounded to the digits of bfloat16. */
  public static double[] bfloat16(double[] values) {
    return evaluate(tf -> constant(tf, TBfloat16.class, Shape.of(values.length), values));
  }
}
