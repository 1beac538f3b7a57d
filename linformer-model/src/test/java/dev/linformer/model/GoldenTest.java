package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.weights.SafetensorsFile;
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
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/** Output and gradients are those of linformer-pytorch; tools/golden/make_golden.py. */
class GoldenTest {

  private static final Path FOLDER = Path.of("src/test/resources/golden");
  private static final String WEIGHT = "weight:";

  static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.sorted().toList();
    }
  }

  @Test
  void allNineAreThere() throws IOException {
    assertEquals(9, files().size());
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
    Golden.read(file).compare(TFloat32.class, 1e-5);
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyNameOfTheStateDictionaryAndNoOther(Path file) throws IOException {
    Golden golden = Golden.read(file);
    Set<String> expected =
        golden.values.keySet().stream()
            .filter(name -> name.startsWith(WEIGHT))
            .map(name -> name.substring(WEIGHT.length()))
            .collect(Collectors.toCollection(TreeSet::new));
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      golden.config.declare(variables);
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
      LinformerConfig config, Map<String, double[]> values, Map<String, Shape> shapes) {

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
        var config = ModelConfig.parse(new JsonKeys(path.toString(), node));
        return new Golden(config.encoder(), values, shapes);
      }
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
        Linformer<T> model = config.declare(factory);
        Operand<T> input = Graphs.constant(tf, type, shape("input"), value("input"));
        Operand<T> output = model.call(tf, input, null);
        Operand<T> weighted =
            tf.math.mul(output, Graphs.constant(tf, type, shape("cotangent"), value("cotangent")));
        Operand<T> sum = tf.sum(weighted, tf.constant(new int[] {0, 1, 2}));

        List<Operand<T>> sources = new ArrayList<>(List.of(input));
        sources.addAll(weights);
        var gradients = tf.gradients(sum, sources);
        List<Operand<T>> fetches = new ArrayList<>(List.of(output));
        for (int i = 0; i < sources.size(); i++) {
          fetches.add(gradients.dy(i));
        }
        List<double[]> found = Values.evaluate(graph, fetches);

        Values.assertClose("output", value("output"), found.get(0), tolerance);
        Values.assertClose("input gradient", value("input_gradient"), found.get(1), tolerance);
        for (int i = 0; i < parameters.size(); i++) {
          compareGradient(parameters.get(i), found.get(2 + i), tolerance);
        }
      }
    }

    private void compareGradient(Parameter parameter, double[] found, double tolerance) {
      int size = Math.toIntExact(parameter.sliceShape().size());
      for (int part = 0; part < parameter.slices().size(); part++) {
        String name = "gradient:" + parameter.slices().get(part).get(0);
        double[] slice = Arrays.copyOfRange(found, part * size, (part + 1) * size);
        Values.assertClose(name, value(name), slice, tolerance);
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
