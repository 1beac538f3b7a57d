package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

/**
 * Output and gradients are those of linformer-pytorch, or of random models: {@link GoldenFolder}.
 */
class GoldenTest {

  private static final String WEIGHT = "weight:";
  private static final Map<String, Double> DIFFERENCES = new TreeMap<>();

  static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(GoldenFolder.PATH)) {
      return files.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
    }
  }

  @AfterAll
  static void writeDifferences() throws IOException {
    GoldenFolder.writeDifferences(GoldenFolder.PATH, DIFFERENCES);
  }

  @Test
  @DisabledIfSystemProperty(named = GoldenFolder.PROPERTY, matches = ".+")
  void allAreThere() throws IOException {
    assertEquals(42, files().size());
  }

  @ParameterizedTest
  @MethodSource("files")
  void float64(Path file) throws IOException {
    // Golden values are rounded to float32.
    Golden.read(file).compare(TFloat64.class, 1e-6);
  }

  @ParameterizedTest
  @MethodSource("files")
  void float32(Path file) throws IOException {
    Golden.read(file).compare(TFloat32.class, Comparison.FLOAT32);
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyNameOfTheStateDictionaryAndNoOther(Path file) throws IOException {
    Golden golden = Golden.read(file);
    Set<String> expected =
        golden.values.keySet().stream()
            .filter(name -> name.startsWith(WEIGHT))
            .map(name -> name.substring(WEIGHT.length()))
            // A constant that the reference saves; projections that full attention doesn't use.
            .filter(name -> !name.endsWith("inv_freq"))
            .filter(name -> !golden.unused(name))
            .collect(Collectors.toCollection(TreeSet::new));
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      golden.declare(variables);
      List<String> keys =
          variables.weights().stream()
              .flatMap(weight -> weight.parameter().slices().stream())
              .flatMap(List::stream)
              .toList();
      assertEquals(expected, new TreeSet<>(keys));
      assertEquals(expected.size(), keys.size(), "no key stands twice");
    }
  }

  /** A golden file in memory. */
  private record Golden(
      String name,
      ObjectNode config,
      String type,
      Map<String, double[]> values,
      Map<String, Shape> shapes) {

    private static final String ENCODER_DECODER = LinformerEncDecConfig.TYPE;

    static Golden read(Path path) throws IOException {
      var values = new HashMap<String, double[]>();
      var shapes = new HashMap<String, Shape>();
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        for (String name : file.names()) {
          Shape shape = file.shape(name);
          var floats = new float[Math.toIntExact(shape.size())];
          file.read(name, DataBuffers.of(floats, false, false));
          var doubles = new double[floats.length];
          Arrays.setAll(doubles, i -> floats[i]);
          values.put(name, doubles);
          shapes.put(name, shape);
        }
        String json = Objects.requireNonNull(file.metadata().get("config"));
        var node = (ObjectNode) new ObjectMapper().readTree(json);
        String type = node.path(ModelConfig.MODEL_TYPE).asText(LinformerConfig.TYPE);
        String name = path.getFileName().toString();
        return new Golden(name, asOurs(node, type), type, values, shapes);
      }
    }

    /** Whether full attention leaves the weight aside. */
    boolean unused(String weight) {
      String half = type.equals(ENCODER_DECODER) ? weight.substring(0, 3) + "_" : "";
      return config.path(half + "full_attention").asBoolean() && weight.matches(".*[.][EF][.].*");
    }

    /** The reference's "causal" lets the future through, but for full attention to itself. */
    private static ObjectNode asOurs(ObjectNode node, String type) {
      if (type.equals(ENCODER_DECODER)) {
        return node.put("dec_leaking_triangle", true);
      }
      boolean triangle =
          node.path("causal").asBoolean()
              && (!node.path("full_attention").asBoolean()
                  || node.path("decoder_mode").asBoolean());
      return triangle ? node.put("causal", false).put("leaking_triangle", true) : node;
    }

    /** A model on the golden file's inputs. */
    private interface Call<T extends TFloating> {
      Operand<T> output(Ops tf, Class<T> type, List<Operand<T>> inputs);
    }

    /** Declares the model; its call adds the inputs that have gradients to the list. */
    <T extends TFloating> Call<T> declare(ParameterFactory<T> parameters) {
      if (type.equals(ENCODER_DECODER)) {
        var model =
            LinformerEncDec.declare(parameters, (LinformerEncDecConfig) ModelConfig.parse(keys()));
        return (tf, type, inputs) ->
            model.call(tf, tokens(tf, "tokens"), tokens(tf, "target_tokens"), null, null, null);
      }
      ModelConfig model = ModelConfig.parse(keys());
      if (model instanceof LinformerLMConfig language) {
        var languageModel = LinformerLM.declare(parameters, language);
        return (tf, type, inputs) ->
            languageModel.call(tf, tokens(tf, "tokens"), context(tf, type, inputs), null);
      }
      var stack = Linformer.declare(parameters, model.stacks().get(0));
      return (tf, type, inputs) -> {
        Operand<T> x = Graphs.constant(tf, type, shape("input"), value("input"));
        inputs.add(x);
        return stack.call(tf, x, context(tf, type, inputs), null);
      };
    }

    private JsonObjectReader keys() {
      return new JsonObjectReader(name, config.deepCopy());
    }

    /** The reference lays the input's mask on the source too. */
    private <T extends TFloating> Context<T> context(
        Ops tf, Class<T> type, List<Operand<T>> inputs) {
      if (!values.containsKey("source")) {
        return Context.withMask(mask(tf));
      }
      Operand<T> source = Graphs.constant(tf, type, shape("source"), value("source"));
      inputs.add(source);
      return new Context<>(mask(tf), source, mask(tf));
    }

    private Operand<TInt32> tokens(Ops tf, String name) {
      var wide = Graphs.constant(tf, TFloat64.class, shape(name), value(name));
      return tf.dtypes.cast(wide, TInt32.class);
    }

    private @Nullable Operand<TBool> mask(Ops tf) {
      if (!values.containsKey("mask")) {
        return null;
      }
      var wide = Graphs.constant(tf, TFloat64.class, shape("mask"), value("mask"));
      return tf.dtypes.cast(wide, TBool.class);
    }

    <T extends TFloating> void compare(Class<T> type, double tolerance) {
      try (Graph graph = new Graph()) {
        Ops tf = Ops.create(graph);
        List<Parameter> parameters = new ArrayList<>();
        List<Operand<T>> weights = new ArrayList<>();
        ParameterFactory<T> factory =
            parameter -> {
              Operand<T> weight =
                  Graphs.constant(tf, type, parameter.shape(), assembled(parameter));
              parameters.add(parameter);
              weights.add(weight);
              return weight;
            };
        List<Operand<T>> sources = new ArrayList<>();
        Operand<T> output = declare(factory).output(tf, type, sources);
        List<String> names =
            Stream.of("input_gradient", "source_gradient").filter(values::containsKey).toList();
        assertEquals(names.size(), sources.size());
        Operand<T> weighted =
            tf.math.mul(output, Graphs.constant(tf, type, shape("cotangent"), value("cotangent")));
        Operand<T> sum = tf.sum(weighted, tf.constant(new int[] {0, 1, 2}));

        sources.addAll(weights);
        var gradients = tf.gradients(sum, sources);
        List<Operand<T>> fetches = new ArrayList<>(List.of(output));
        for (int i = 0; i < sources.size(); i++) {
          fetches.add(gradients.dy(i));
        }
        List<double[]> found = Values.evaluate(graph, fetches);

        // A random model may have gradients of very different sizes, all with the largest's error.
        boolean rounded = type == TFloat32.class && GoldenFolder.isLive();
        Comparison comparison = new Comparison(tolerance, rounded ? largestGradient() : 0);
        comparison.add("output", value("output"), found.get(0));
        for (int i = 0; i < names.size(); i++) {
          comparison.add(names.get(i), value(names.get(i)), found.get(1 + i));
        }
        for (int i = 0; i < parameters.size(); i++) {
          if (parameters.get(i).trainable()) {
            addGradient(comparison, parameters.get(i), found.get(1 + names.size() + i));
          }
        }
        DIFFERENCES.put(name + " " + type.getSimpleName(), comparison.largest());
        comparison.check();
      }
    }

    private double largestGradient() {
      return values.entrySet().stream()
          .filter(entry -> entry.getKey().startsWith("gradient:"))
          .mapToDouble(entry -> Comparison.largestOf(entry.getValue()))
          .max()
          .orElse(0);
    }

    private void addGradient(Comparison comparison, Parameter parameter, double[] found) {
      int size = Math.toIntExact(parameter.sliceShape().size());
      for (int part = 0; part < parameter.slices().size(); part++) {
        String name = "gradient:" + parameter.slices().get(part).get(0);
        double[] slice = Arrays.copyOfRange(found, part * size, (part + 1) * size);
        comparison.add(name, value(name), slice);
      }
    }

    /** A parameter's values, from those of its keys; all keys of a part must have the same. */
    private double[] assembled(Parameter parameter) {
      var whole = new double[Math.toIntExact(parameter.shape().size())];
      int size = Math.toIntExact(parameter.sliceShape().size());
      for (int part = 0; part < parameter.slices().size(); part++) {
        List<String> keys = parameter.slices().get(part);
        double[] first = value(WEIGHT + keys.get(0));
        for (String key : keys) {
          assertEquals(parameter.sliceShape(), shape(WEIGHT + key), key);
          assertArrayEquals(first, value(WEIGHT + key), key);
        }
        System.arraycopy(first, 0, whole, part * size, size);
      }
      return whole;
    }

    private Shape shape(String name) {
      return Objects.requireNonNull(shapes.get(name), name);
    }

    private double[] value(String name) {
      return Objects.requireNonNull(values.get(name), name);
    }
  }
}
