package dev.linformer.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.DataType;

/**
 * assets.extra/linformer.json of an export: what it is, which weights are in it, what its
 * signatures take and give, and the digest of every other file. The last key is the digest of the
 * rest, so that no byte of an export can change unnoticed.
 */
record Manifest(ObjectNode json) {

  static final String FOLDER = "assets.extra";
  static final String NAME = FOLDER + "/linformer.json";
  static final String CONFIG = FOLDER + "/config.json";

  static final String FORMAT = "format";
  static final String OURS = "linformer export";
  static final String VERSION = "format_version";
  static final int NEWEST = 1;
  static final String FILES = "files";
  static final String SEAL = "sha256";
  private static final String WEIGHTS = "weights_sha256";
  static final String SIGNATURES = "signatures";

  /** The types of tensors by their names here. */
  static final Map<String, DataType> DTYPES =
      Map.of(
          "float32",
          DataType.DT_FLOAT,
          "int32",
          DataType.DT_INT32,
          "int64",
          DataType.DT_INT64,
          "bool",
          DataType.DT_BOOL);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final DefaultIndenter LINES = new DefaultIndenter("  ", "\n");

  /** Writes it for the files that the folder holds now. */
  static void write(ServingGraph serving, Path folder, String weightsDigest) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put(FORMAT, OURS);
    json.put(VERSION, NEWEST);
    json.put("library_version", Library.version());
    json.put("model_type", serving.config().modelType());
    json.put(WEIGHTS, weightsDigest);
    json.put("precision", serving.options().precision().key());
    ObjectNode signatures = json.putObject(SIGNATURES);
    for (ServingSignature signature : serving.signatures()) {
      ObjectNode each = signatures.putObject(signature.name());
      describe(each.putObject("inputs"), signature.inputs());
      describe(each.putObject("outputs"), signature.outputs());
    }
    ObjectNode files = json.putObject(FILES);
    for (String name : files(folder)) {
      Path file = folder.resolve(name);
      files.putObject(name).put("bytes", Files.size(file)).put(SEAL, Digests.of(file));
    }
    json.put(SEAL, Digests.of(bytes(json)));
    Files.write(folder.resolve(NAME), bytes(json));
  }

  private static void describe(ObjectNode into, List<ServingSignature.NamedOperand> tensors) {
    for (ServingSignature.NamedOperand tensor : tensors) {
      ObjectNode each = into.putObject(tensor.name());
      each.put("dtype", dtype(tensor));
      ArrayNode shape = each.putArray("shape");
      Arrays.stream(tensor.operand().shape().asArray()).forEach(shape::add);
      if (!tensor.node().equals(tensor.name())) {
        each.put("node", tensor.node());
      }
      each.put("meaning", tensor.meaning());
    }
  }

  /** The same as {@link #tensors} gives of what is written. */
  static List<ManifestTensor> entries(List<ServingSignature.NamedOperand> tensors) {
    return tensors.stream()
        .map(
            tensor ->
                new ManifestTensor(
                    tensor.name(),
                    dtype(tensor),
                    tensor.operand().shape(),
                    tensor.node(),
                    tensor.meaning()))
        .toList();
  }

  private static String dtype(ServingSignature.NamedOperand tensor) {
    DataType type = tensor.operand().asOutput().dataType();
    return DTYPES.entrySet().stream()
        .filter(each -> each.getValue() == type)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no signature of ours has " + tensor));
  }

  /** All files but the manifest, by their paths with slashes. */
  static List<String> files(Path folder) throws IOException {
    try (var all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .filter(name -> !name.equals(NAME))
          .sorted()
          .toList();
    }
  }

  /** Lines that end alike on every system. */
  static DefaultPrettyPrinter printer() {
    return new DefaultPrettyPrinter()
        .withObjectIndenter(LINES)
        .withArrayIndenter(new DefaultPrettyPrinter.FixedSpaceIndenter());
  }

  static byte[] bytes(ObjectNode json) {
    try {
      return (JSON.writer(printer()).writeValueAsString(json) + "\n")
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes can always be written", e);
    }
  }

  static InvalidInputException damaged(Path folder, String how) {
    return new InvalidInputException(
        "%s: the export is damaged: %s; export the model again".formatted(folder, how));
  }

  /** Names of the signatures. */
  List<String> signatures() {
    return json.path(SIGNATURES).properties().stream().map(Map.Entry::getKey).toList();
  }

  /**
   * Tensors of a signature.
   *
   * @param kind inputs or outputs
   */
  List<ManifestTensor> tensors(String signature, String kind) {
    return json.path(SIGNATURES).path(signature).path(kind).properties().stream()
        .map(
            each -> {
              JsonNode shape = each.getValue().path("shape");
              long[] sizes = new long[shape.size()];
              Arrays.setAll(sizes, i -> shape.get(i).longValue());
              return new ManifestTensor(
                  each.getKey(),
                  each.getValue().path("dtype").asText(),
                  Shape.of(sizes),
                  each.getValue().path("node").asText(each.getKey()),
                  each.getValue().path("meaning").asText());
            })
        .toList();
  }

  /**
   * An input or output.
   *
   * @param dtype float32, int32, int64 or bool
   * @param shape unknown sizes are -1
   * @param node its operation in the graph
   */
  record ManifestTensor(String name, String dtype, Shape shape, String node, String meaning) {

    /** TensorFlow's word for {@link #dtype}. */
    DataType type() {
      return DTYPES.getOrDefault(dtype, DataType.DT_INVALID);
    }
  }

  /** The bytes of all files whose names begin so. */
  long bytes(String prefix) {
    return json.path(FILES).properties().stream()
        .filter(file -> file.getKey().startsWith(prefix))
        .mapToLong(file -> file.getValue().path("bytes").longValue())
        .sum();
  }

  /** The SHA-256 of the model.safetensors that was exported. */
  String weightsDigest() {
    return text(WEIGHTS);
  }

  String text(String key) {
    return json.path(key).asText();
  }
}
