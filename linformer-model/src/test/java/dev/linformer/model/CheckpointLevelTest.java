package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.io.internal.Named;
import dev.linformer.ops.Activation;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.RandomKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/** Every level computes the same loss and gradients, with every option. */
class CheckpointLevelTest {

  private static final int B = 2;
  private static final String ENCODER =
      "'input_size':12,'channels':10,'dim_k':4,'dim_ff':7,'dim_d':3,'nhead':3,'depth':2,'dropout':0.2,'dropout_ff':0.3";
  private static final String LM = ENCODER + ",'model_type':'lm','num_tokens':11";

  private static final List<String> UNMASKED = List.of("encoder", "causal", "full", "encdec");

  /** Values at C0, in float64. */
  private static final Map<String, Map<String, double[]>> KEPT = new HashMap<>();

  /** Names and keys. */
  private static final Map<String, String> MODELS = new LinkedHashMap<>();

  static {
    MODELS.put("encoder", ENCODER);
    for (String sharing : List.of("none", "headwise", "kv")) {
      MODELS.put(sharing, ENCODER + ",'parameter_sharing':'" + sharing + "'");
      MODELS.put(
          sharing + " causal", ENCODER + ",'causal':true,'parameter_sharing':'" + sharing + "'");
    }
    MODELS.put("causal", ENCODER + ",'causal':true");
    MODELS.put("leaking", ENCODER + ",'leaking_triangle':true");
    for (ProjectionMethod method : ProjectionMethod.values()) {
      String key = Named.key(method);
      MODELS.put(key, ENCODER + ",'method':'" + key + "'");
    }
    for (Activation activation : Activation.values()) {
      String key = Named.key(activation);
      MODELS.put(key, ENCODER + ",'activation':'" + key + "'");
    }
    MODELS.put("convolution none", ENCODER + ",'method':'convolution','parameter_sharing':'none'");
    MODELS.put("full", ENCODER + ",'full_attention':true");
    MODELS.put("full causal", ENCODER + ",'full_attention':true,'causal':true");
    MODELS.put("pre_norm", ENCODER + ",'pre_norm':true,'glu':true");
    MODELS.put("pre_norm causal", ENCODER + ",'pre_norm':true,'causal':true");
    MODELS.put("one_kv_head", ENCODER + ",'one_kv_head':true,'freeze':true");
    MODELS.put(
        "one_kv_head causal",
        ENCODER + ",'one_kv_head':true,'causal':true,'parameter_sharing':'none'");
    MODELS.put("two maps", ENCODER + ",'w_o_intermediate_dim':5");
    MODELS.put(
        "widths", ENCODER + ",'ff_intermediate':8,'parameter_sharing':'kv','k_reduce_by_layer':1");
    MODELS.put("decoder", ENCODER + ",'decoder_mode':true,'causal':true");
    MODELS.put("decoder full", ENCODER + ",'decoder_mode':true,'full_attention':true");
    MODELS.put("lm", LM + ",'causal':true");
    MODELS.put(
        "classifier", ENCODER + ",'model_type':'classifier','num_tokens':11,'num_classes':3");
    MODELS.put(
        "encdec",
        Stream.of("enc_", "dec_")
                .map(
                    half ->
                        (ENCODER + ",'num_tokens':11").replaceAll("'(\\w+)':", "'" + half + "$1':"))
                .reduce((x, y) -> x + "," + y)
                .orElseThrow()
            + ",'model_type':'encdec'");
  }

  static Stream<Arguments> cases() {
    return MODELS.keySet().stream()
        .flatMap(
            model ->
                Stream.of(CheckpointLevel.C1, CheckpointLevel.C2, CheckpointLevel.C3)
                    .flatMap(
                        level ->
                            Stream.of(true, false)
                                .filter(masked -> masked || UNMASKED.contains(model))
                                .map(masked -> Arguments.of(model, level, masked))));
  }

  private static ModelConfig config(String model, CheckpointLevel level) {
    ObjectNode json;
    try {
      String keys = Objects.requireNonNull(MODELS.get(model)).replace('\'', '"');
      json = (ObjectNode) new ObjectMapper().readTree("{" + keys + "}");
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
    json.put("checkpoint_level", level.name());
    for (String prefix : model.equals("encdec") ? List.of("enc_", "dec_") : List.of("")) {
      json.put(prefix + "chunk", 5).put(prefix + "heads_per_group", 2);
    }
    return ModelConfig.parse(new JsonObjectReader("test", json));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientsAreThoseOfC0(String model, CheckpointLevel level, boolean masked) {
    Map<String, double[]> expected =
        KEPT.computeIfAbsent(
            model + masked,
            same -> values(config(model, CheckpointLevel.C0), TFloat64.class, masked, 12));
    Map<String, double[]> found = values(config(model, level), TFloat64.class, masked, 12);
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach(
        (name, value) ->
            close(name, value, Objects.requireNonNull(found.get(name)), tolerance(name, level)));
  }

  /**
   * C1 computes the same sums in the same order; only what layers share is summed over them in
   * another. C2 and C3 sum over parts.
   */
  private static double tolerance(String name, CheckpointLevel level) {
    return level != CheckpointLevel.C1 ? 1e-12 : name.contains("E.") ? 1e-14 : 0;
  }

  private static void close(String name, double[] expected, double[] found, double tolerance) {
    double size = 1e-3; // a gradient that should be 0 is compared with this
    for (double value : expected) {
      size = Math.max(size, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(expected[i] - found[i]) / size;
      assertTrue(
          difference <= tolerance,
          "%s [%s]: %s, expected %s".formatted(name, i, found[i], expected[i]));
    }
  }

  /**
   * Loss and gradients by name, on one thread, without Grappler, which changes the order of sums.
   */
  private static <T extends TFloating> Map<String, double[]> values(
      ModelConfig config, Class<T> type, boolean masked, int n) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variables<T> variables = Variables.random(tf, type, 7);
      Model<T> model = config.declare(variables);
      Map<String, Operand<?>> inputs = new LinkedHashMap<>();
      int seed = 1;
      for (Model.Input input : model.inputs()) {
        Operand<?> value = input(tf, type, input, n, seed++);
        if (!input.optional() || masked) {
          inputs.put(input.name(), value);
        }
      }
      RandomKey key = new RandomKey(tf.constant(new long[] {3, 5}));
      Operand<T> y = model.call(tf, inputs, key);
      Operand<T> flat = tf.reshape(y, tf.constant(new int[] {-1}));
      // Not the sum of squares, which a norm keeps constant.
      Operand<T> weight =
          tf.math.cos(
              tf.dtypes.cast(
                  tf.range(tf.constant(0), tf.size(flat), tf.constant(1)), type)); // as long as y
      Operand<T> loss = tf.sum(tf.math.mul(flat, weight), tf.constant(0));
      var weights = variables.trainable();
      var gradients = tf.gradients(loss, weights.stream().map(Variables.Weight::value).toList());
      List<Operand<?>> fetched = new ArrayList<>(List.of(loss));
      gradients.dy().forEach(fetched::add);
      ConfigProto proto =
          ConfigProto.newBuilder()
              .setIntraOpParallelismThreads(1)
              .setInterOpParallelismThreads(1)
              .setGraphOptions(
                  GraphOptions.newBuilder()
                      .setRewriteOptions(RewriterConfig.newBuilder().setDisableMetaOptimizer(true)))
              .build();
      Map<String, double[]> values = new LinkedHashMap<>();
      try (Session session = new Session(graph, proto)) {
        List<double[]> found = Values.fetch(session, fetched);
        values.put("loss", found.get(0));
        for (int i = 0; i < weights.size(); i++) {
          values.put(weights.get(i).parameter().name(), found.get(i + 1));
        }
      }
      return values;
    }
  }

  private static <T extends TFloating> Operand<?> input(
      Ops tf, Class<T> type, Model.Input input, int n, int seed) {
    if (input.type() == TBool.class) {
      boolean[] mask = new boolean[B * n];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = i % n < n - 2 || i < n;
      }
      return tf.reshape(tf.constant(mask), tf.constant(new int[] {B, n}));
    }
    if (input.type() == TInt32.class) {
      int[] tokens = new int[B * n];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = (i * 7 + seed) % input.vocabulary();
      }
      return tf.reshape(tf.constant(tokens), tf.constant(new int[] {B, n}));
    }
    long c = input.shape().get(2);
    return Graphs.constant(tf, type, Shape.of(B, n, c), Graphs.normal(seed, (long) B * n * c));
  }

  static Stream<Arguments> few() {
    return cases()
        .filter(each -> List.of("encoder", "causal", "lm").contains((String) each.get()[0]));
  }

  @ParameterizedTest
  @MethodSource("few")
  void float32IsTheSameButForRounding(String model, CheckpointLevel level, boolean masked) {
    Map<String, double[]> expected =
        values(config(model, CheckpointLevel.C0), TFloat32.class, masked, 12);
    values(config(model, level), TFloat32.class, masked, 12)
        .forEach(
            (name, value) -> close(name, Objects.requireNonNull(expected.get(name)), value, 1e-4));
  }
}
