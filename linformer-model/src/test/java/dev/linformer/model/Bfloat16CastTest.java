package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.linformer.ops.Backend;
import dev.linformer.ops.RandomKey;
import dev.linformer.runtime.Sessions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Which casts are no part of XLA's program, and that they are casts like others. */
class Bfloat16CastTest {

  private static final String CAST = "Cast";
  private static final long LARGE = 1 << 22;
  private static final long LARGEST = 1 << 27;

  private static Placeholder<TFloat32> placeholder(Ops tf, long... sizes) {
    return tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(sizes)));
  }

  /** Names of what is rounded apart from XLA's program. */
  private static List<String> apart(Graph graph) {
    return graph.toGraphDef().getNodeList().stream()
        .filter(node -> node.getOp().equals(CAST) && node.containsAttr("_XlaCompile"))
        .filter(node -> !node.getAttrOrThrow("_XlaCompile").getB())
        .map(node -> node.getInput(0))
        .toList();
  }

  @Test
  void roundsEachTensorOnce() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Bfloat16Cast rounding = new Bfloat16Cast(tf, Backend.GPU_KERNELS);
      Operand<TFloat32> large = placeholder(tf, LARGE);
      Operand<TFloat32> small = placeholder(tf, LARGE - 1);
      Operand<TFloat32> largest = placeholder(tf, 2, LARGEST / 2);
      Operand<TFloat32> larger = placeholder(tf, LARGEST + 1);
      for (Operand<TFloat32> x : List.of(large, small, largest, larger)) {
        assertSame(rounding.of(x), rounding.of(x));
      }
      assertEquals(List.of(large.op().name(), largest.op().name()), apart(graph));
      assertEquals(Shape.of(LARGE), rounding.of(large).shape());
      assertEquals(TBfloat16.class, rounding.of(large).type());
    }
  }

  /**
   * Of a shape that isn't known, and of what no kernels are wanted for, XLA's program rounds all.
   */
  @Test
  void othersArePartOfTheProgram() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      new Bfloat16Cast(tf, Backend.PORTABLE).of(placeholder(tf, LARGE));
      new Bfloat16Cast(tf, Backend.GPU_KERNELS).of(placeholder(tf, Shape.UNKNOWN_SIZE, LARGE));
      assertEquals(List.of(), apart(graph));
    }
  }

  /** The input and E, [n,k], which both layers share; other weights have fewer values. */
  @ParameterizedTest
  @CsvSource({"BF16, GPU_KERNELS, 2", "BF16, PORTABLE, 0", "FLOAT32, GPU_KERNELS, 0"})
  void ofAModel(ComputePrecision precision, Backend backend, int expected) {
    LinformerConfig config =
        LinformerConfig.builder(65_536, 64, 64)
            .heads(2)
            .depth(2)
            .parameterSharing(ParameterSharing.LAYERWISE)
            .precision(precision)
            .build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Model<TFloat32> model = config.declare(Variables.random(tf, TFloat32.class, 1).on(backend));
      model.call(tf, Map.of("inputs", placeholder(tf, 1, 65_536, 64)), null);
      assertEquals(expected, apart(graph).size());
    }
  }

  private static boolean hasCast(Result result) {
    return result.getMetadata().orElseThrow().getStepStats().getDevStatsList().stream()
        .flatMap(device -> device.getNodeStatsList().stream())
        .anyMatch(node -> node.getTimelineLabel().contains("= %s(".formatted(CAST)));
  }

  /** A sum's addends and its gradient, by a program of XLA's. */
  private static List<double[]> valuesAndGradient(boolean ahead) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variable<TFloat32> weight = tf.variable(Shape.of(LARGE), TFloat32.class);
      Ops init = tf.withInitScope();
      init.assign(
          weight,
          init.random.statelessRandomNormal(
              init.constant(new long[] {LARGE}), init.constant(new long[] {1, 2})));
      Operand<TFloat32> x = tf.identity(weight); // [LARGE]
      Operand<TBfloat16> rounded =
          new Bfloat16Cast(tf, ahead ? Backend.GPU_KERNELS : Backend.PORTABLE).of(x);
      Operand<TFloat32> y = tf.math.square(tf.dtypes.cast(rounded, TFloat32.class)); // [LARGE]
      Operand<TFloat32> loss = tf.sum(y, tf.constant(0));
      Operand<?> gradient = tf.gradients(loss, List.of(x)).dy().get(0); // [LARGE]
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS, true)) {
        session.initialize();
        RunOptions traced =
            RunOptions.newBuilder().setTraceLevel(RunOptions.TraceLevel.FULL_TRACE).build();
        Session.Runner runner = session.runner().fetch(loss).setOptions(traced);
        try (Result result = runner.runAndFetchMetadata()) {
          assertEquals(ahead, hasCast(result));
        }
        return Values.fetch(session, List.of(y, gradient));
      }
    }
  }

  @Test
  void isNoPartOfTheProgramAndYetACast() {
    List<double[]> expected = valuesAndGradient(false);
    List<double[]> found = valuesAndGradient(true);
    for (int i = 0; i < 2; i++) {
      assertArrayEquals(expected.get(i), found.get(i));
    }
  }

  /** In bfloat16, whose numbers beyond 256 are even, no sum of these is 263. */
  @Test
  void gradientsOfManyUsersAreAddedUpInFloat32() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Operand<TFloat32> x = tf.identity(tf.constant(new float[] {1}));
      Bfloat16Cast rounding = new Bfloat16Cast(tf, Backend.PORTABLE);
      Operand<TFloat32> sum = tf.constant(new float[] {0});
      for (float factor : new float[] {256, 1, 1, 1, 1, 1, 1, 1}) {
        Operand<TBfloat16> used =
            tf.math.mul(
                rounding.forOneOfMany(x),
                tf.dtypes.cast(tf.constant(new float[] {factor}), TBfloat16.class));
        sum = tf.math.add(sum, tf.dtypes.cast(used, TFloat32.class));
      }
      List<double[]> found =
          Values.evaluate(graph, List.of(sum, tf.gradients(sum, List.of(x)).dy(0)));
      assertArrayEquals(new double[] {263}, found.get(0));
      assertArrayEquals(new double[] {263}, found.get(1));
    }
  }

  /** Both layers share E, which is rounded once; nothing is added to a graph without gradients. */
  @Test
  void whatLayersShareHasItsGradientsAddedUpInFloat32() {
    LinformerConfig config =
        LinformerConfig.builder(8, 4, 2)
            .heads(2)
            .depth(2)
            .dropout(0)
            .feedForwardDropout(0)
            .parameterSharing(ParameterSharing.LAYERWISE)
            .precision(ComputePrecision.BF16)
            .build();
    for (boolean training : new boolean[] {true, false}) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        Model<TFloat32> model = config.declare(Variables.random(tf, TFloat32.class, 1));
        RandomKey key = training ? new RandomKey(tf.constant(new long[] {1, 2})) : null;
        model.call(tf, Map.of("inputs", placeholder(tf, 1, 8, 4)), key);
        int[] count = new int[1];
        graph
            .operations()
            .forEachRemaining(
                each -> {
                  boolean two = each.type().equals("IdentityN") && each.numOutputs() == 2;
                  count[0] += two && each.<TFloat32>output(1).type() == TFloat32.class ? 1 : 0;
                });
        assertEquals(training ? 4 : 0, count[0]); // E and its bias, for each layer
      }
    }
  }
}
