package dev.linformer.model.convert;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.Comparison;
import dev.linformer.model.GoldenFolder;
import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerLM;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Values;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.ops.ArabicDigits;
import dev.linformer.ops.Graphs;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Models of linformer 0.2.3, imported, compute what they computed there: {@link GoldenFolder}. */
class LucidrainsTest {

  private static final Path GOLDEN = GoldenFolder.PATH.resolve("lucidrains");
  private static final Map<String, Double> DIFFERENCES = new TreeMap<>();

  @TempDir private Path folder = Path.of("");

  static List<Path> files() throws IOException {
    return GoldenWeights.files(GOLDEN);
  }

  @AfterAll
  static void writeDifferences() throws IOException {
    GoldenFolder.writeDifferences(GOLDEN, DIFFERENCES);
  }

  @Test
  @DisabledIfSystemProperty(named = GoldenFolder.PROPERTY, matches = ".+")
  void allAreThere() throws IOException {
    assertEquals(7, files().size());
  }

  /** Names of tensors are no text for people. */
  @Test
  @DisabledIfSystemProperty(named = GoldenFolder.PROPERTY, matches = ".+")
  void namesAreTheSameInEveryLocale() throws Exception {
    GoldenWeights golden = GoldenWeights.read(files().get(0));
    golden.config().remove("model_type");
    Path weights = GoldenWeights.writeNpz(folder, golden.weights());
    ForeignModel foreign = ForeignModel.read("linformer", golden.writeConfig(folder));
    Path here = folder.resolve("here");
    Path there = folder.resolve("there");
    WeightImport.run(foreign, weights, here);
    assertTrue(
        ArabicDigits.call(
            () -> {
              WeightImport.run(foreign, weights, there);
              return true;
            }));
    Path file = Path.of("model.safetensors");
    assertEquals(-1, Files.mismatch(here.resolve(file), there.resolve(file)));
  }

  @ParameterizedTest
  @MethodSource("files")
  void outputAndGradients(Path file) throws IOException {
    GoldenWeights golden = GoldenWeights.read(file);
    golden.config().remove("model_type"); // not one of the constructor's keywords
    Path weights = GoldenWeights.writeNpz(folder, golden.weights());
    Path out = folder.resolve("model");
    WeightImport.run(ForeignModel.read("linformer", golden.writeConfig(folder)), weights, out);
    ModelDirectory model = ModelDirectory.open(out);
    ModelConfig config = model.config();

    try (Graph graph = new Graph();
        SafetensorsFile stored = SafetensorsFile.open(model.weightsFile())) {
      Ops tf = Ops.create(graph);
      List<Parameter> parameters = new ArrayList<>();
      List<Operand<TFloat32>> sources = new ArrayList<>();
      ParameterFactory<TFloat32> factory =
          parameter -> {
            Operand<TFloat32> weight =
                Graphs.constant(tf, TFloat32.class, parameter.shape(), whole(stored, parameter));
            parameters.add(parameter);
            sources.add(weight);
            return weight;
          };
      Operand<TFloat32> output = output(tf, config, factory, golden, sources);
      Operand<TFloat32> cotangent =
          Graphs.constant(tf, TFloat32.class, golden.shape("output"), golden.wide("cotangent"));
      Operand<TFloat32> sum =
          tf.sum(tf.math.mul(output, cotangent), tf.constant(new int[] {0, 1, 2}));
      var gradients = tf.gradients(sum, sources);
      List<Operand<TFloat32>> fetches = new ArrayList<>(List.of(output));
      for (int i = 0; i < sources.size(); i++) {
        fetches.add(gradients.dy(i));
      }
      List<double[]> found = Values.evaluate(graph, fetches);

      // As in GoldenTest: a random model may have gradients of very different sizes.
      Comparison comparison =
          new Comparison(Comparison.FLOAT32, GoldenFolder.isLive() ? largestGradient(golden) : 0);
      comparison.add("output", golden.wide("output"), found.get(0));
      if (sources.size() > parameters.size()) {
        comparison.add("input", golden.wide("input_gradient"), found.get(1 + parameters.size()));
      }
      compareGradients(comparison, golden, parameters, found.subList(1, 1 + parameters.size()));
      DIFFERENCES.put(file.getFileName() + " TFloat32", comparison.largest());
      comparison.check();
    }
  }

  private static Operand<TFloat32> output(
      Ops tf,
      ModelConfig config,
      ParameterFactory<TFloat32> factory,
      GoldenWeights golden,
      List<Operand<TFloat32>> sources) {
    if (config instanceof LinformerLMConfig language) {
      LinformerLM<TFloat32> model = LinformerLM.declare(factory, language);
      Operand<TInt32> tokens =
          tf.dtypes.cast(
              Graphs.constant(tf, golden.shape("tokens"), golden.wide("tokens")), TInt32.class);
      return model.call(tf, tokens, null);
    }
    Linformer<TFloat32> model = Linformer.declare(factory, config.stacks().get(0));
    sources.add(Graphs.constant(tf, TFloat32.class, golden.shape("input"), golden.wide("input")));
    return model.call(tf, sources.get(sources.size() - 1), null);
  }

  private static double largestGradient(GoldenWeights golden) {
    return golden.values().keySet().stream()
        .filter(name -> name.startsWith("gradient:"))
        .mapToDouble(name -> Comparison.largestOf(golden.wide(name)))
        .max()
        .orElse(0);
  }

  private static double[] whole(SafetensorsFile stored, Parameter parameter) {
    double[] whole = new double[Math.toIntExact(parameter.shape().size())];
    int next = 0;
    try {
      for (List<String> keys : parameter.slices()) {
        for (float value : GoldenWeights.read(stored, keys.get(0))) {
          whole[next++] = value;
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return whole;
  }

  /** A weight there that is two here has the sum of their gradients. */
  private static void compareGradients(
      Comparison comparison,
      GoldenWeights golden,
      List<Parameter> parameters,
      List<double[]> found) {
    Map<String, double[]> sums = new TreeMap<>();
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      String name = theirName(golden, parameter.name());
      if (name.endsWith(".bias") && parameter.name().matches(".*[.][EF][.]bias")) {
        continue; // they have none
      }
      double[] gradient = found.get(i);
      if (name.matches(".*proj_.")) {
        gradient = transposed(gradient, parameter.shape());
      }
      double[] sum = sums.computeIfAbsent(name, any -> new double[0]);
      if (sum.length == 0) {
        sums.put(name, gradient);
      } else {
        for (int j = 0; j < sum.length; j++) {
          sum[j] += gradient[j];
        }
      }
    }
    Set<String> expected = new HashSet<>();
    golden.values().keySet().stream()
        .filter(name -> name.startsWith("gradient:"))
        .forEach(name -> expected.add(name.substring("gradient:".length())));
    assertEquals(expected, sums.keySet());
    sums.forEach((name, sum) -> comparison.add(name, golden.wide("gradient:" + name), sum));
  }

  private static String theirName(GoldenWeights golden, String ours) {
    String name = ours;
    for (int place = 0; place < 6; place++) {
      name =
          name.replace("seq." + place + ".", "net.layers.%s.%s.".formatted(place / 2, place % 2));
    }
    boolean shared = golden.config().path("share_kv").asBoolean();
    return name.replace("to_token_emb", "token_emb")
        .replace("fn.E.weight", "fn.proj_k")
        .replace("fn.F.weight", shared ? "fn.proj_k" : "fn.proj_v")
        .replace("to_v", shared ? "to_k" : "to_v")
        .replace("w_o.", "to_out.")
        .replace("w_1.", "w1.")
        .replace("w_2.", "w2.");
  }

  private static double[] transposed(double[] values, Shape shape) {
    int rows = Math.toIntExact(shape.get(0));
    int columns = Math.toIntExact(shape.get(1));
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i % columns * rows + i / columns] = values[i];
    }
    return result;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "seq_len": 8, "depth": 1, "k": 4                     | key "dim" is missing
          "dim": 8, "depth": 1, "k": 4                         | key "seq_len" is missing
          "dim": 8, "seq_len": 8, "k": 4                       | key "depth" is missing
          "dim": 8, "seq_len": 8, "depth": 1                   | dim_k = 256, but 1 to input_size = 8
          "dim": 9, "seq_len": 8, "depth": 1, "k": 4           | (input_size is seq_len, channels is dim
          "dim": 8, "seq_len": 8, "depth": 1, "k": 4, "nhead": 2 | unknown key "nhead"; known are
          "dim": 8, "seq_len": 8, "depth": 1, "k": 4, "reversible": true | reversible = true, but false: reversible layers compute something else
          "dim": 8, "seq_len": 8, "depth": 1, "k": 4, "num_tokens": 0 | num_tokens = 0, but at least 1
          """)
  void refuses(String keys, String message) throws IOException {
    Path config = Files.writeString(folder.resolve("c.json"), "{" + keys + "}");
    String found = refusal(() -> ForeignModel.read("linformer", config));
    assertTrue(found.startsWith(config + ": ") && found.contains(message), found);
  }

  @Test
  void defaultsAreTheConstructors() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("c.json"),
            "{\"dim\": 16, \"seq_len\": 256, \"depth\": 3, \"dropout\": 0.25}");
    var encoder = ForeignModel.read("linformer", config).config().stacks().get(0);
    assertEquals(256, encoder.projectedLength());
    assertEquals(8, encoder.heads());
    assertEquals(2, encoder.headDim());
    assertEquals(64, encoder.feedForwardDim());
    assertEquals(0.25, encoder.dropout());
    assertEquals(0.25, encoder.feedForwardDropout());
  }
}
