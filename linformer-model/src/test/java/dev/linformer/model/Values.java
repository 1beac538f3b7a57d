package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.Variables.Weight;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.PlainSession;
import dev.linformer.runtime.Sessions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.function.Executable;
import org.opentest4j.AssertionFailedError;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/** Numbers out of sessions, and comparisons that say what is compared. */
public final class Values {

  private Values() {}

  /** A copy of a float32 or float64 tensor's values. */
  public static double[] of(Tensor tensor) {
    var values = new double[Math.toIntExact(tensor.size())];
    if (tensor instanceof TFloat32 narrow) {
      var data = narrow.asRawTensor().data().asFloats();
      for (int i = 0; i < values.length; i++) {
        values[i] = data.getFloat(i);
      }
    } else {
      ((TFloat64) tensor).asRawTensor().data().asDoubles().read(values);
    }
    return values;
  }

  /** The values of operands of any numeric type, from one run of a session. */
  public static List<double[]> evaluate(
      Graph graph, List<? extends Operand<? extends TType>> operands) {
    Ops tf = Ops.create(graph);
    var wide = operands.stream().map(each -> tf.dtypes.cast(each, TFloat64.class)).toList();
    try (Session session = PlainSession.open(graph)) {
      return fetch(session, wide);
    }
  }

  /** The values of float operands in a session, from one run. */
  public static List<double[]> fetch(Session session, List<? extends Operand<?>> operands) {
    Session.Runner runner = session.runner();
    operands.forEach(runner::fetch);
    var values = new ArrayList<double[]>();
    try (Result result = runner.run()) {
      for (int i = 0; i < operands.size(); i++) {
        values.add(of(result.get(i)));
      }
    }
    return values;
  }

  /** The values that weights have in a session, by name of the variable. */
  public static <T extends TFloating> Map<String, double[]> fetchWeights(
      Session session, List<Weight<T>> weights) {
    List<double[]> values = fetch(session, weights.stream().map(Weight::value).toList());
    var named = new LinkedHashMap<String, double[]>();
    for (int i = 0; i < values.size(); i++) {
      named.put(weights.get(i).parameter().name(), values.get(i));
    }
    return named;
  }

  /** The initial values of weights, by name. */
  public static <T extends TFloating> Map<String, double[]> initial(
      Graph graph, List<Weight<T>> weights) {
    try (Session session = Sessions.open(graph, 1)) {
      session.initialize();
      return fetchWeights(session, weights);
    }
  }

  /** {@link Graphs#assertClose} with a name in the message. */
  public static void assertClose(
      String what, double[] expected, double[] actual, double tolerance) {
    try {
      Graphs.assertClose(expected, actual, tolerance);
    } catch (AssertionFailedError e) {
      throw new AssertionFailedError(what + ", " + e.getMessage(), e);
    }
  }

  /** The message with which an input is refused. */
  public static String refusal(Executable action) {
    return String.valueOf(assertThrows(InvalidInputException.class, action).getMessage());
  }
}
