package dev.linformer.ops.gradient;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.ops.Graphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.RunMetadata;
import org.tensorflow.types.TFloat32;

/**
 * What recomputation is for: training steps of a chain of layers x → tanh(x·W1)·W2 whose hidden
 * tensors [rows,wide] are by far the largest.
 */
class RecomputeMemoryTest {

  private static final int ROWS = 1031;
  private static final int NARROW = 11;
  private static final int WIDE = 211;
  private static final long HIDDEN = 4L * ROWS * WIDE;
  private static final long OUTER = 4L * ROWS * NARROW;
  private static final long WEIGHT = 4L * NARROW * WIDE;

  private static final ChunkPlan PLAIN = new ChunkPlan(1, 1, 0);
  private static final ChunkPlan ONE = new ChunkPlan(ROWS, ROWS, 0);

  /** All parts but {@link #PLAIN} are recomputed. */
  private static RunMetadata step(int depth, ChunkPlan parts, ConfigProto config) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      List<Variable<TFloat32>> variables = new ArrayList<>();
      List<Operand<TFloat32>> weights = new ArrayList<>();
      Variable<TFloat32> data = variable(tf, 0, Shape.of(ROWS, NARROW));
      Operand<TFloat32> x = tf.identity(data); // [rows,narrow]
      for (int layer = 0; layer < depth; layer++) {
        variables.add(variable(tf, 1 + 2 * layer, Shape.of(NARROW, WIDE)));
        variables.add(variable(tf, 2 + 2 * layer, Shape.of(WIDE, NARROW)));
        Operand<TFloat32> w1 = tf.identity(variables.get(2 * layer));
        Operand<TFloat32> w2 = tf.identity(variables.get(2 * layer + 1));
        weights.add(w1);
        weights.add(w2);
        Operand<TFloat32> in = x;
        SegmentBody<TFloat32> body =
            (inner, of) ->
                inner.linalg.matMul(
                    inner.math.tanh(inner.linalg.matMul(of.get(in), of.get(w1))), // [rows,wide]
                    of.get(w2)); // [rows,narrow]
        List<SegmentInput> inputs =
            List.of(SegmentInput.along(x, 0), SegmentInput.whole(w1), SegmentInput.whole(w2));
        x =
            parts.equals(PLAIN)
                ? RecomputeTest.plain(tf, inputs, body)
                : Recompute.parts(tf, parts, inputs, body);
      }
      Operand<TFloat32> loss = tf.nn.l2Loss(x);
      var gradients = tf.gradients(loss, weights);
      List<Op> all = new ArrayList<>();
      for (int i = 0; i < weights.size(); i++) {
        all.add(gradients.<TFloat32>dy(i));
      }
      Ops then = tf.withControlDependencies(all); // no update before the last use of a weight
      List<Op> updates = new ArrayList<>();
      for (int i = 0; i < weights.size(); i++) {
        updates.add(
            then.train.applyGradientDescent(
                variables.get(i), then.constant(1e-3f), gradients.<TFloat32>dy(i)));
      }
      try (Session session = new Session(graph, config)) {
        var runner = session.runner().fetch(loss);
        updates.forEach(runner::addTarget);
        return Memory.trace(runner);
      }
    }
  }

  private static Variable<TFloat32> variable(Ops tf, int seed, Shape shape) {
    double[] values = Graphs.normal(seed, shape.size());
    for (int i = 0; i < values.length; i++) {
      values[i] /= Math.sqrt((double) shape.get(0));
    }
    return tf.variable(Graphs.constant(tf, TFloat32.class, shape, values));
  }

  /** Bytes a layer more adds to the peak. */
  private static double slope(ChunkPlan parts, ConfigProto config) {
    int few = 3;
    int many = 11;
    return (double) (Memory.peak(step(many, parts, config)) - Memory.peak(step(few, parts, config)))
        / (many - few);
  }

  @ParameterizedTest
  @MethodSource("configs")
  void depthCostsASegmentsInputsAndNotItsInsides(ConfigProto config) {
    // At least one hidden tensor a layer; with Grappler it is up to twice that, by chance.
    int depth = 11;
    long plain = Memory.peak(step(depth, PLAIN, config));
    assertTrue(plain > depth * HIDDEN, "without recomputation %s bytes".formatted(plain));
    double slope = slope(ONE, config);
    assertTrue(slope < 0.15 * HIDDEN, String.format(Locale.ROOT, "%.0f bytes a layer", slope));
  }

  @Test
  void slopeIsASmallShareOfThatWithoutRecomputation() {
    double plain = slope(PLAIN, Memory.exact());
    double recomputed = slope(ONE, Memory.exact());
    assertTrue(
        recomputed < 0.15 * plain,
        String.format(Locale.ROOT, "%.0f of %.0f bytes", recomputed, plain));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void hiddenTensorOfPartsNeverExistsWhole(ConfigProto config) {
    int perPart = 131; // 8 parts, the last of 114 rows
    long one = Memory.peak(step(1, ONE, config));
    long parts = Memory.peak(step(1, new ChunkPlan(ROWS, perPart, 0), config));
    // A part's hidden tensor and its gradient; x, y and dy; weights' gradients and their sums.
    long bound = 2 * 4L * perPart * WIDE + 3 * OUTER + 4 * WEIGHT;
    assertTrue(bound < HIDDEN / 2, "the bound says something");
    assertTrue(parts < bound, "peak %s bytes, bound %s".formatted(parts, bound));
    assertTrue(one > 2 * HIDDEN, "in one part %s bytes".formatted(one));
  }

  @Test
  void partsOfDeepChainsAreNotKeptEither() {
    double slope = slope(new ChunkPlan(ROWS, 131, 0), Memory.exact());
    // The layer's input and the gradients of its weights.
    assertTrue(
        slope < 1.2 * (OUTER + 2 * WEIGHT),
        String.format(Locale.ROOT, "%.0f bytes a layer", slope));
  }

  @ParameterizedTest
  @MethodSource("configs")
  void onlyWhatTheBackwardPassNeedsIsComputedAgain(ConfigProto config) {
    int depth = 5;
    // Two forward, four backward but for the gradient of x in the first layer.
    assertEquals(6 * depth - 1, Memory.products(step(depth, PLAIN, config)).size());
    // The second product, the segment's output, is not needed by the backward pass.
    assertEquals(7 * depth - 1, Memory.products(step(depth, ONE, config)).size());
    // Each of the three parts does the same.
    assertEquals(
        3 * 7 * depth - 1,
        Memory.products(step(depth, new ChunkPlan(ROWS, 401, 0), config)).size());
  }

  /** Without Grappler and with it, on one thread: on more the peak is a matter of chance. */
  private static List<ConfigProto> configs() {
    return List.of(Memory.exact(), Memory.exact().toBuilder().clearGraphOptions().build());
  }
}
