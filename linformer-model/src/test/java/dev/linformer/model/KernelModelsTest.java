package dev.linformer.model;

import static dev.linformer.ops.internal.kernel.KernelGraphs.calls;
import static dev.linformer.ops.internal.kernel.KernelGraphs.module;
import static dev.linformer.ops.internal.kernel.KernelGraphs.operations;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.Backend;
import dev.linformer.ops.RandomKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/** Training graphs with kernels, at every level and in both precisions. */
class KernelModelsTest {

  private static final int B = 2;
  private static final int N = 12;
  private static final String STACK =
      "'input_size':12,'channels':14,'dropout':0,'dim_k':5,'dim_ff':7,'dim_d':11,'nhead':3,'depth':2,'heads_per_group':2,'chunk':5";
  private static final Map<String, String> MODELS =
      Map.of(
          "encoder",
          STACK,
          "pre_norm",
          STACK + ",'pre_norm':true",
          "dropout",
          STACK.replace("'dropout':0", "'dropout':0.1,'dropout_ff':0.1")
              + ",'ff_intermediate':9,'parameter_sharing':'kv'",
          "full",
          STACK + ",'full_attention':true",
          "one_kv_head",
          STACK + ",'one_kv_head':true,'parameter_sharing':'none'",
          "classifier",
          STACK + ",'model_type':'classifier','num_tokens':13,'num_classes':3",
          "lm",
          STACK + ",'model_type':'lm','num_tokens':13",
          "causal lm",
          STACK + ",'model_type':'lm','num_tokens':13,'causal':true",
          "encdec",
          "'model_type':'encdec'," + half("enc_") + "," + half("dec_"));

  private static String half(String prefix) {
    return (STACK + ",'num_tokens':13").replaceAll("'(\\w+)':", "'" + prefix + "$1':");
  }

  static Stream<Arguments> cases() {
    return MODELS.keySet().stream()
        .sorted()
        .flatMap(
            model ->
                Stream.of(CheckpointLevel.values())
                    .flatMap(
                        level ->
                            Stream.of(ComputePrecision.FLOAT32, ComputePrecision.BF16)
                                .map(precision -> Arguments.of(model, level, precision))));
  }

  private static ModelConfig config(
      String model, CheckpointLevel level, ComputePrecision precision) {
    ObjectNode json;
    try {
      String keys = Objects.requireNonNull(MODELS.get(model)).replace('\'', '"');
      json = (ObjectNode) new ObjectMapper().readTree("{" + keys + "}");
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
    json.put("checkpoint_level", level.name());
    for (String prefix : model.equals("encdec") ? List.of("enc_", "dec_") : List.of("")) {
      json.put(prefix + "precision", precision.name().toLowerCase(Locale.ROOT));
    }
    return ModelConfig.parse(new JsonObjectReader("test", json));
  }

  /** Attentions that are kernels; those of a decoder to itself are causal and are none. */
  private static int attentions(String model) {
    return switch (model) {
      case "encdec" -> 4;
      case "causal lm", "dropout" -> 0;
      default -> 2;
    };
  }

  /** Parts of an attention that are computed one after another. */
  private static int parts(CheckpointLevel level) {
    return switch (level) {
      case C0, C1 -> 1;
      case C2 -> 2; // of two heads and one
      case C3 -> 3; // of 5, 5 and 2 positions
    };
  }

  /** Norms, each of a kernel: one a half layer. */
  private static int norms(String model, CheckpointLevel level) {
    int attentions = model.equals("encdec") ? 6 : 2; // those that are no kernels too
    int feeds = attentions;
    boolean whole = level != CheckpointLevel.C3;
    // Before an attention a norm is a segment by itself, after it a part of the positions' segment.
    int perAttention = whole || model.equals("pre_norm") ? 1 : parts(level);
    return attentions * perAttention + feeds * (whole ? 1 : parts(level));
  }

  /** GELUs, each a kernel: one a feed-forward layer, or one for each of its parts. */
  private static int gelus(String model, CheckpointLevel level) {
    int feeds = model.equals("encdec") ? 6 : 2;
    return feeds * (level == CheckpointLevel.C3 ? parts(level) : 1);
  }

  /**
   * Norms that are computed again in the backward pass, as something else is computed from them in
   * the same segment. Their own gradients need their inputs alone.
   */
  private static int normsAgain(String model, CheckpointLevel level) {
    if (!model.equals("pre_norm")) {
      return 0;
    }
    return switch (level) {
      case C0 -> 0;
      case C1 -> 4;
      case C2 -> 2; // before an attention a norm is a segment by itself
      case C3 -> 2 * parts(level);
    };
  }

  /** Kernels whose name begins so. */
  private static long kernels(Graph graph, String name) {
    return calls(graph).stream().filter(call -> module(call).startsWith("module @" + name)).count();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyWeightHasAGradient(String model, CheckpointLevel level, ComputePrecision precision) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Variables<TFloat32> variables = Variables.random(tf, TFloat32.class, 7);
      Model<TFloat32> declared =
          config(model, level, precision).declare(variables.on(Backend.GPU_KERNELS));
      Map<String, Operand<?>> inputs = new LinkedHashMap<>();
      for (Model.Input input : declared.inputs()) {
        boolean masksKeys = model.equals("full") && input.optional();
        if (!masksKeys) {
          inputs.put(input.name(), input(tf, input));
        }
      }
      Operand<TFloat32> y =
          declared.call(tf, inputs, new RandomKey(tf.constant(new long[] {3, 5})));
      int forward = attentions(model) * parts(level);
      int norms = norms(model, level);
      assertEquals(forward, kernels(graph, "attention"));
      assertEquals(norms, kernels(graph, "layer_norm"));
      assertEquals(0, operations(graph, "Rsqrt").size());
      int gelus = gelus(model, level);
      assertEquals(gelus, kernels(graph, "gelu"));
      Operand<TFloat32> flat = tf.reshape(tf.math.square(y), tf.constant(new int[] {-1}));
      List<Variables.Weight<TFloat32>> weights = variables.trainable();
      var gradients =
          tf.gradients(
              tf.sum(flat, tf.constant(0)), weights.stream().map(Variables.Weight::value).toList());
      for (int i = 0; i < weights.size(); i++) {
        String name = weights.get(i).parameter().name();
        assertNotNull(gradients.dy(i), name);
        assertEquals(weights.get(i).value().shape(), gradients.dy(i).shape(), name);
        assertEquals(TFloat32.class, gradients.dy(i).type(), name);
      }
      int again = level == CheckpointLevel.C0 ? 0 : forward;
      assertEquals(3 * forward + again, kernels(graph, "attention"));
      assertEquals(2 * norms + normsAgain(model, level), kernels(graph, "layer_norm"));
      assertEquals(norms, kernels(graph, "layer_norm_gradient"));
      assertEquals((level == CheckpointLevel.C0 ? 2L : 3L) * gelus, kernels(graph, "gelu"));
      assertEquals(gelus, kernels(graph, "gelu_gradient"));
      boolean other = List.of("encdec", "causal lm", "dropout").contains(model);
      assertEquals(other, operations(graph, "Softmax").size() > 0);
    }
  }

  @Test
  void onlyWhereTheyAreWanted() {
    for (String name : MODELS.keySet()) {
      for (Backend backend : Backend.values()) {
        try (Graph graph = new Graph()) {
          Ops tf = Ops.create(graph);
          Model<TFloat32> model =
              config(name, CheckpointLevel.C0, ComputePrecision.FLOAT32)
                  .declare(Variables.random(tf, TFloat32.class, 7).on(backend));
          Map<String, Operand<?>> inputs = new LinkedHashMap<>();
          model.inputs().stream()
              .filter(input -> !input.optional())
              .forEach(input -> inputs.put(input.name(), input(tf, input)));
          model.call(tf, inputs, null);
          if (backend == Backend.PORTABLE) {
            assertEquals(0, calls(graph).size(), name);
          } else {
            assertEquals(norms(name, CheckpointLevel.C0), kernels(graph, "layer_norm"), name);
          }
        }
      }
    }
  }

  @Test
  void modelsArePortableUnlessSaidOtherwise() {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      assertEquals(Backend.PORTABLE, Variables.random(tf, TFloat32.class, 7).backend());
    }
  }

  private static Operand<?> input(Ops tf, Model.Input input) {
    Shape shape =
        input.shape().numDimensions() == 3 ? Shape.of(B, N, input.shape().get(2)) : Shape.of(B, N);
    return tf.placeholder(input.type(), Placeholder.shape(shape));
  }
}
