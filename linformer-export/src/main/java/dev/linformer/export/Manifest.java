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
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  private static final String FORMAT = "format";
  private static final String OURS = "linformer export";
  private static final String VERSION = "format_version";
  private static final int NEWEST = 1;
  private static final String FILES = "files";
  private static final String SEAL = "sha256";
  private static final String WEIGHTS = "weights_sha256";
  private static final String SIGNATURES = "signatures";
  private static final int MOST_SHOWN = 40;

  /** The types of tensors by their names here. */
  private static final Map<String, DataType> DTYPES =
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
  private static List<String> files(Path folder) throws IOException {
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

  /**
   * Reads the manifest of an export and compares all that it speaks of with what is there.
   *
   * @throws InvalidInputException if the folder is none of ours, is of a newer format, or if a byte
   *     in it has changed
   */
  static Manifest check(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          "%s: a SavedModel, but not one of ours, or damaged: %s is missing"
              .formatted(folder, NAME));
    }
    byte[] found = Files.readAllBytes(file);
    ObjectNode json = parse(folder, found);
    requireKnownVersion(folder, json.path(VERSION));
    ObjectNode rest = json.deepCopy();
    JsonNode seal = rest.remove(SEAL);
    if (!json.path(FORMAT).asText().equals(OURS)
        || seal == null
        || !seal.asText().equals(Digests.of(bytes(rest)))
        || !Arrays.equals(found, bytes(json))) {
      throw damaged(folder, NAME + " doesn't have the digest that it names");
    }
    requireFiles(folder, json.path(FILES));
    for (Map.Entry<String, JsonNode> each : json.path(FILES).properties()) {
      compare(folder, each.getKey(), each.getValue());
    }
    requireSignatures(folder, json.path(SIGNATURES));
    return new Manifest(json);
  }

  /** Versions are whole numbers, however they are written: 1 is 1.0. */
  private static void requireKnownVersion(Path folder, JsonNode version) {
    double number = version.isNumber() ? version.doubleValue() : Double.NaN;
    if (number > NEWEST) {
      throw new InvalidInputException(
          "%s: an export of format version %s, but this library knows those up to %d; use a newer one"
              .formatted(folder, shown(version), NEWEST));
    }
    if (number != NEWEST) {
      throw damaged(
          folder, "%s has %s = %s, not %d".formatted(NAME, VERSION, shown(version), NEWEST));
    }
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "nothing" : value.toString();
    return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "…";
  }

  /** What is loaded has to be among the files whose digests are known. */
  private static void requireFiles(Path folder, JsonNode files) throws IOException {
    List<String> loaded = new ArrayList<>(List.of(SavedModelFile.NAME, CONFIG));
    files(folder).stream()
        .filter(name -> name.startsWith(SavedModelFile.VARIABLES))
        .forEach(loaded::add);
    for (String name : loaded) {
      if (!files.path(name).isObject()) {
        throw damaged(folder, "%s has no digest of %s".formatted(NAME, name));
      }
    }
  }

  /** Every signature has inputs and outputs, of types that we write. */
  private static void requireSignatures(Path folder, JsonNode signatures) {
    for (Map.Entry<String, JsonNode> signature : signatures.properties()) {
      for (String kind : List.of("inputs", "outputs")) {
        JsonNode tensors = signature.getValue().path(kind);
        if (tensors.isEmpty()) {
          throw damaged(folder, "%s has no %s of %s".formatted(NAME, kind, signature.getKey()));
        }
        for (Map.Entry<String, JsonNode> tensor : tensors.properties()) {
          String dtype = tensor.getValue().path("dtype").asText();
          if (!(kind.equals("outputs") ? Set.of("float32") : DTYPES.keySet()).contains(dtype)) {
            throw damaged(
                folder,
                "%s has dtype \"%s\" of %s %s"
                    .formatted(NAME, dtype, signature.getKey(), tensor.getKey()));
          }
        }
      }
    }
  }

  private static ObjectNode parse(Path folder, byte[] bytes) {
    try {
      if (JSON.readTree(bytes) instanceof ObjectNode object) {
        return object;
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: the export is damaged: %s is no JSON".formatted(folder, NAME), e);
    }
    throw damaged(folder, NAME + " is no JSON object");
  }

  private static void compare(Path folder, String name, JsonNode wanted) throws IOException {
    Path file;
    try {
      file = folder.resolve(name);
    } catch (InvalidPathException e) {
      throw damaged(folder, NAME + " has a file whose name no file can have");
    }
    if (!Files.isRegularFile(file)) {
      throw damaged(folder, name + " is missing");
    }
    long bytes = wanted.path("bytes").longValue();
    if (Files.size(file) != bytes) {
      throw damaged(folder, "%s has %,d bytes, not %,d".formatted(name, Files.size(file), bytes));
    }
    if (!Digests.of(file).equals(wanted.path(SEAL).asText())) {
      throw damaged(folder, name + " is not what was exported, its SHA-256 is another");
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
