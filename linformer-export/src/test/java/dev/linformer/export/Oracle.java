package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.Model;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.WeightFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Gradients;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.OptimizerOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * A model directory in float64: how far from it a program that computes in float32 may be.
 *
 * <p>A sum of products that is rounded to float32 on its way, in whatever order, is the exact sum
 * for weights θ of which each is off by some part of |θ|. To first order that moves an output y by
 * at most that part of Σ|∂y/∂θ|·|θ|, over all weights and input vectors; {@link #magnitude} is this
 * sum. The part is a multiple of float32's unit roundoff. Where terms are as often above zero as
 * below, as in these models, whose weights and vectors are drawn around zero, the multiple does not
 * grow with the number of terms (Higham and Mary, Sharper Probabilistic Backward Error Analysis for
 * Basic Linear Algebra Kernels with Random Data, SIAM J. Sci. Comput. 42, 2020). So {@link
 * #ROUNDINGS} is one number for sums of 22 positions and of 1,048,576; the most that was measured
 * is 0.5.
 */
final class Oracle implements AutoCloseable {

  /** Float32's unit roundoff: half of what is between 1 and the next number. */
  static final double UNIT = 0x1p-24;

  /** How many of these a weight may be off. */
  static final double ROUNDINGS = 4;

  /** TensorFlow's passes over a graph that runs a few times take longer than it does. */
  private static final ConfigProto AS_IT_STANDS =
      ConfigProto.newBuilder()
          .setGraphOptions(
              GraphOptions.newBuilder()
                  .setOptimizerOptions(
                      OptimizerOptions.newBuilder().setOptLevel(OptimizerOptions.Level.L0))
                  .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
          .build();

  private final Graph graph = new Graph();
  private final Session session;
  private final Map<String, Operand<?>> placeholders = new LinkedHashMap<>();
  private final Operand<TFloat64> output;
  private final Placeholder<TInt64> index;
  private final Operand<TFloat64> magnitude;

  /**
   * The model without its optional inputs.
   *
   * @param precision to which the weights are rounded first, as an export rounds them
   */
  static Oracle of(ModelDirectory directory, StoragePrecision precision) throws IOException {
    return new Oracle(directory, Set.of(), precision);
  }

  /**
   * The model with those of its optional inputs, such as masks, that are named.
   *
   * @param optional their names
   */
  static Oracle of(ModelDirectory directory, Set<String> optional) throws IOException {
    return new Oracle(directory, optional, StoragePrecision.FLOAT32);
  }

  private Oracle(ModelDirectory directory, Set<String> optional, StoragePrecision precision)
      throws IOException {
    Ops tf = Ops.create(graph);
    Variables<TFloat32> variables = Variables.toBeLoaded(tf, TFloat32.class);
    List<Operand<TFloat64>> exact = new ArrayList<>();
    Model<TFloat64> model =
        directory
            .config()
            .forInference()
            .declare(
                parameter -> {
                  Operand<? extends TFloating> value = variables.create(parameter);
                  if (precision == StoragePrecision.BFLOAT16) {
                    value = tf.dtypes.cast(value, TBfloat16.class);
                  }
                  exact.add(tf.dtypes.cast(value, TFloat64.class));
                  return exact.get(exact.size() - 1);
                });
    Map<String, Operand<?>> inputs = new LinkedHashMap<>();
    for (Model.Input input : model.inputs()) {
      if (input.optional() && !optional.contains(input.name())) {
        continue;
      }
      boolean vectors = input.vocabulary() == 0 && !input.optional();
      Operand<?> placeholder =
          vectors
              ? tf.placeholder(TFloat32.class, Placeholder.shape(input.shape()))
              : tf.placeholder(input.type(), Placeholder.shape(input.shape()));
      placeholders.put(input.name(), placeholder);
      if (vectors) {
        exact.add(tf.dtypes.cast(placeholder, TFloat64.class));
        inputs.put(input.name(), exact.get(exact.size() - 1));
      } else {
        inputs.put(input.name(), placeholder);
      }
    }
    output = tf.reshape(model.call(tf, inputs, null), tf.constant(new long[] {-1}));
    index = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
    Gradients gradients = tf.gradients(tf.gather(output, index, tf.constant(0)), exact);
    List<Operand<TFloat64>> sums = new ArrayList<>();
    for (int i = 0; i < exact.size(); i++) {
      Operand<TFloat64> each = tf.math.abs(tf.math.mul(gradients.<TFloat64>dy(i), exact.get(i)));
      sums.add(tf.reduceSum(tf.reshape(each, tf.constant(new long[] {-1})), tf.constant(0)));
    }
    magnitude = tf.math.addN(sums);
    session = new Session(graph, AS_IT_STANDS);
    WeightFile.load(session, variables.weights(), directory.weightsFile());
  }

  /** Fails if an output is further from float64's than rounding explains. */
  void assertClose(String what, Feed feed, float[] found) {
    double[] exact = values(feed);
    assertEquals(exact.length, found.length, what);
    int worst = 0;
    for (int i = 0; i < exact.length; i++) {
      assertTrue(Float.isFinite(found[i]), what + ": not finite");
      if (Math.abs(found[i] - exact[i]) > Math.abs(found[worst] - exact[worst])) {
        worst = i;
      }
    }
    double off = Math.abs(found[worst] - exact[worst]);
    double roundings = off / (UNIT * magnitude(feed, worst));
    assertTrue(
        roundings <= ROUNDINGS,
        () ->
            String.format(
                Locale.ROOT, "%s is %.2g from float64, %.1f roundings", what, off, roundings));
  }

  /** Fails if {@link Close#MAGNITUDE} is too little for the largest value of an output. */
  void assertMagnitude(String what, Feed feed, float[] output) {
    int largest = 0;
    for (int i = 0; i < output.length; i++) {
      largest = Math.abs(output[i]) > Math.abs(output[largest]) ? i : largest;
    }
    double ratio = magnitude(feed, largest) / Math.abs(output[largest]);
    assertTrue(ratio <= Close.MAGNITUDE, () -> String.format(Locale.ROOT, "%s: %.1f", what, ratio));
  }

  /** The output in exact arithmetic, flat. */
  double[] values(Feed feed) {
    return feed.apply(tensors -> run(runner(tensors).fetch(output)));
  }

  /** Σ|∂y/∂θ|·|θ| of one value of the output. */
  double magnitude(Feed feed, int at) {
    try (TInt64 chosen = TInt64.scalarOf(at)) {
      return feed.apply(tensors -> run(runner(tensors).feed(index, chosen).fetch(magnitude))[0]);
    }
  }

  private Session.Runner runner(Map<String, Tensor> tensors) {
    Session.Runner runner = session.runner();
    placeholders.forEach(
        (name, placeholder) ->
            runner.feed(placeholder, Objects.requireNonNull(tensors.get(name), name)));
    return runner;
  }

  private static double[] run(Session.Runner runner) {
    try (Result result = runner.run()) {
      TFloat64 values = (TFloat64) result.get(0);
      double[] all = new double[Math.toIntExact(values.size())];
      values.asRawTensor().data().asDoubles().read(all);
      return all;
    }
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
