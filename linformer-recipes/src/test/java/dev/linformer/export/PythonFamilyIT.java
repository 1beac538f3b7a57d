package dev.linformer.export;

import static dev.linformer.export.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TensorFlow for Python against the live graph: every model of the family, and long sequences. */
class PythonFamilyIT {

  private static final Path SCRIPT = Path.of("src", "test", "resources", "call_exports.py");
  private static final Set<String> MASKS = Set.of("mask", "source_mask");
  private static final int SEQUENCES = 20;

  @TempDir private Path folder = Path.of("");

  private final ArrayNode cases = new ObjectMapper().createArrayNode();
  private final Map<Path, Consumer<float[]>> checks = new LinkedHashMap<>();
  private final List<Oracle> oracles = new ArrayList<>();

  @AfterEach
  void closeOracles() {
    oracles.forEach(Oracle::close);
  }

  /** Exports, with masks and of any length, and what they give for a few positions less than n. */
  @Test
  void everyModel() throws IOException {
    for (Map.Entry<String, ModelConfig> each : ModelZoo.all().entrySet()) {
      Path here = Files.createDirectory(folder.resolve("model" + cases.size()));
      ModelDirectory model = Models.save(each.getValue(), 5, here.resolve("model"));
      Path version =
          ModelExporter.export(
              model, here.resolve("export"), ExportOptions.savedModel().withLengths(Lengths.ANY));
      try (InferenceGraph live = InferenceGraph.load(model, MASKS);
          ExportedLinformer exported = ExportedLinformer.load(version)) {
        Feed whole = Feed.random(live.inputs(), SEQUENCES, 0, 2);
        String output =
            whole.run(exported, SignatureName.SERVING_DEFAULT).names().iterator().next();
        Oracle oracle = oracle(Oracle.of(model, MASKS));
        oracle.assertClose(each.getKey() + ", live", whole, whole.run(live));
        add(here, version, SignatureName.SERVING_DEFAULT, whole, output, oracle);
        Feed shorter = Feed.random(live.inputs(), 3, 4, 3);
        for (SignatureName signature :
            new SignatureName[] {SignatureName.EMBEDDINGS, SignatureName.ATTENTION}) {
          SignatureOutputs answer = shorter.run(exported, signature);
          Map<String, Consumer<float[]>> outputs = new LinkedHashMap<>();
          for (String name : answer.names()) {
            float[] expected = answer.values(name);
            outputs.put(name, found -> assertClose(each.getKey() + ", " + name, expected, found));
          }
          add(here, version, signature, shorter, outputs);
        }
      }
    }
    compare();
  }

  /** Python computes with the weights that bfloat16 left. */
  @Test
  void weightsInBfloat16() throws IOException {
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("classifier, LEARNABLE")),
            5,
            folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withPrecision(StoragePrecision.BFLOAT16));
    try (ExportedLinformer exported = ExportedLinformer.load(version);
        InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), SEQUENCES, 0, 2);
      Oracle oracle = oracle(Oracle.of(model, StoragePrecision.BFLOAT16));
      float[] logits = feed.run(exported, SignatureName.SERVING_DEFAULT).values("logits");
      oracle.assertClose("bfloat16, Java", feed, logits);
      add(folder, version, SignatureName.SERVING_DEFAULT, feed, "logits", oracle);
    }
    compare();
  }

  @ParameterizedTest
  @ValueSource(ints = {65_536, 1_048_576})
  void longSequences(int n) throws IOException {
    LinformerConfig config =
        LinformerConfig.builder(n, 3, 5).heads(1).headDim(2).feedForwardDim(7).depth(1).build();
    ModelDirectory model = Models.save(config, 5, folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withSignatures(SignatureName.SERVING_DEFAULT));
    try (InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), 1, 0, 2);
      Oracle oracle = oracle(Oracle.of(model, Set.of()));
      oracle.assertClose("live, n = " + n, feed, feed.run(live));
      add(folder, version, SignatureName.SERVING_DEFAULT, feed, "outputs", oracle);
    }
    compare();
  }

  /** Every token by itself, in a loop that Python drives. */
  @Test
  void decodes() throws IOException {
    for (String name : List.of("causal language model, NONE", "causal language model, LAYERWISE")) {
      Path here = Files.createDirectory(folder.resolve(name.replace(' ', '-')));
      ModelDirectory model =
          Models.save(Objects.requireNonNull(ModelZoo.all().get(name)), 5, here.resolve("model"));
      Path version = ModelExporter.export(model, here.resolve("export"));
      try (InferenceGraph live = InferenceGraph.load(model)) {
        Feed feed = Feed.random(live.inputs(), 1, 0, 1);
        Path tokens = here.resolve("tokens.bin");
        write(tokens, feed.values().values().iterator().next());
        Path logits = here.resolve("logits.bin");
        Python.run(
            Path.of("recipes", "python", "decode.py"),
            List.of(version.toString(), tokens.toString(), logits.toString()));
        try (Oracle oracle = Oracle.of(model, Set.of())) {
          oracle.assertClose(name, feed, read(logits));
        }
      }
    }
  }

  /** The same with a source, which is encoded once. */
  @Test
  void decodesWithASource() throws IOException {
    String name = "encoder and decoder, NONE";
    ModelDirectory model =
        Models.save(Objects.requireNonNull(ModelZoo.all().get(name)), 5, folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withSignatures(SignatureName.ENCODE, SignatureName.DECODE));
    try (InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), 1, 0, 1);
      Path source = folder.resolve("source.bin");
      Path tokens = folder.resolve("tokens.bin");
      Path logits = folder.resolve("logits.bin");
      write(source, feed.value("source"));
      write(tokens, feed.value("tokens"));
      Python.run(
          Path.of("recipes", "python", "translate.py"),
          Stream.of(version, source, tokens, logits).map(Path::toString).toList());
      try (Oracle oracle = Oracle.of(model, Set.of())) {
        oracle.assertClose(name, feed, read(logits));
      }
    }
  }

  private Oracle oracle(Oracle oracle) {
    oracles.add(oracle);
    return oracle;
  }

  private void add(
      Path here, Path version, SignatureName signature, Feed feed, String output, Oracle oracle)
      throws IOException {
    String what = "%s, %s".formatted(here.getFileName(), signature);
    add(
        here,
        version,
        signature,
        feed,
        Map.of(output, found -> oracle.assertClose(what, feed, found)));
  }

  private void add(
      Path here,
      Path version,
      SignatureName signature,
      Feed feed,
      Map<String, Consumer<float[]>> outputs)
      throws IOException {
    ObjectNode json = cases.addObject();
    String start = "case%s-".formatted(cases.size());
    json.put("export", version.toString()).put("signature", signature.key());
    ObjectNode inputs = json.putObject("inputs");
    for (Feed.Value value : feed.values().values()) {
      String name = value.input().name();
      Path file = here.resolve(start + name + ".in");
      write(file, value);
      ObjectNode input = inputs.putObject(name).put("dtype", value.dtype());
      input.put("file", file.toString());
      ArrayNode shape = input.putArray("shape");
      for (long size : value.shape().asArray()) {
        shape.add(size);
      }
    }
    ObjectNode files = json.putObject("outputs");
    outputs.forEach(
        (name, check) -> {
          Path file = here.resolve(start + name + ".out");
          files.put(name, file.toString());
          checks.put(file, check);
        });
  }

  private void compare() throws IOException {
    Path file = folder.resolve("cases.json");
    new ObjectMapper().writeValue(file.toFile(), cases);
    Python.run(SCRIPT, List.of(file.toString()));
    assertFalse(checks.isEmpty());
    for (Map.Entry<Path, Consumer<float[]>> each : checks.entrySet()) {
      each.getValue().accept(read(each.getKey()));
    }
  }

  private static void write(Path file, Feed.Value value) throws IOException {
    int size = value.values().size();
    boolean mask = value.dtype().equals("bool");
    ByteBuffer bytes = ByteBuffer.allocate((mask ? 1 : 4) * size).order(ByteOrder.LITTLE_ENDIAN);
    switch (value.dtype()) {
      case "float32" -> bytes.asFloatBuffer().put(value.floats());
      case "int32" -> bytes.asIntBuffer().put(value.ints());
      default -> {
        for (boolean flag : value.flags()) {
          bytes.put((byte) (flag ? 1 : 0));
        }
      }
    }
    Files.write(file, bytes.array());
  }

  private static float[] read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = new float[bytes.remaining() / 4];
    bytes.asFloatBuffer().get(values);
    return values;
  }
}
