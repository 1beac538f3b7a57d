package dev.linformer.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads the {@link Manifest} of an export, and compares what it says with what is there. */
final class ManifestCheck {

  private static final int MOST_SHOWN = 40;

  private static final ObjectMapper JSON = new ObjectMapper();

  private ManifestCheck() {}

  /**
   * Reads the manifest of an export and compares all that it speaks of with what is there.
   *
   * @throws InvalidInputException if the folder is none of ours, is of a newer format, or if a byte
   *     in it has changed
   */
  static Manifest read(Path folder) throws IOException {
    Path file = folder.resolve(Manifest.NAME);
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          "%s: a SavedModel, but not one of ours, or damaged: %s is missing"
              .formatted(folder, Manifest.NAME));
    }
    byte[] found = Files.readAllBytes(file);
    ObjectNode json = parse(folder, found);
    requireKnownVersion(folder, json.path(Manifest.VERSION));
    ObjectNode rest = json.deepCopy();
    JsonNode seal = rest.remove(Manifest.SEAL);
    if (!json.path(Manifest.FORMAT).asText().equals(Manifest.OURS)
        || seal == null
        || !seal.asText().equals(Digests.of(Manifest.bytes(rest)))
        || !Arrays.equals(found, Manifest.bytes(json))) {
      throw Manifest.damaged(folder, Manifest.NAME + " doesn't have the digest that it names");
    }
    requireFiles(folder, json.path(Manifest.FILES));
    for (Map.Entry<String, JsonNode> each : json.path(Manifest.FILES).properties()) {
      compare(folder, each.getKey(), each.getValue());
    }
    requireSignatures(folder, json.path(Manifest.SIGNATURES));
    return new Manifest(json);
  }

  /** Versions are whole numbers, however they are written: 1 is 1.0. */
  private static void requireKnownVersion(Path folder, JsonNode version) {
    double number = version.isNumber() ? version.doubleValue() : Double.NaN;
    if (number > Manifest.NEWEST) {
      throw new InvalidInputException(
          "%s: an export of format version %s, but this library knows those up to %s; use a newer one"
              .formatted(folder, shown(version), Manifest.NEWEST));
    }
    if (number != Manifest.NEWEST) {
      throw Manifest.damaged(
          folder,
          "%s has %s = %s, not %s"
              .formatted(Manifest.NAME, Manifest.VERSION, shown(version), Manifest.NEWEST));
    }
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "nothing" : value.toString();
    return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "…";
  }

  /** What is loaded has to be among the files whose digests are known. */
  private static void requireFiles(Path folder, JsonNode files) throws IOException {
    List<String> loaded = new ArrayList<>(List.of(SavedModelFile.NAME, Manifest.CONFIG));
    Manifest.files(folder).stream()
        .filter(name -> name.startsWith(SavedModelFile.VARIABLES))
        .forEach(loaded::add);
    for (String name : loaded) {
      if (!files.path(name).isObject()) {
        throw Manifest.damaged(folder, "%s has no digest of %s".formatted(Manifest.NAME, name));
      }
    }
  }

  /** Every signature has inputs and outputs, of types that we write. */
  private static void requireSignatures(Path folder, JsonNode signatures) {
    for (Map.Entry<String, JsonNode> signature : signatures.properties()) {
      for (String kind : List.of("inputs", "outputs")) {
        JsonNode tensors = signature.getValue().path(kind);
        if (tensors.isEmpty()) {
          throw Manifest.damaged(
              folder, "%s has no %s of %s".formatted(Manifest.NAME, kind, signature.getKey()));
        }
        for (Map.Entry<String, JsonNode> tensor : tensors.properties()) {
          String dtype = tensor.getValue().path("dtype").asText();
          if (!(kind.equals("outputs") ? Set.of("float32") : Manifest.DTYPES.keySet())
              .contains(dtype)) {
            throw Manifest.damaged(
                folder,
                "%s has dtype \"%s\" of %s %s"
                    .formatted(Manifest.NAME, dtype, signature.getKey(), tensor.getKey()));
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
          "%s: the export is damaged: %s is no JSON".formatted(folder, Manifest.NAME), e);
    }
    throw Manifest.damaged(folder, Manifest.NAME + " is no JSON object");
  }

  private static void compare(Path folder, String name, JsonNode wanted) throws IOException {
    Path file;
    try {
      file = folder.resolve(name);
    } catch (InvalidPathException e) {
      throw Manifest.damaged(folder, Manifest.NAME + " has a file whose name no file can have");
    }
    if (!Files.isRegularFile(file)) {
      throw Manifest.damaged(folder, name + " is missing");
    }
    long bytes = wanted.path("bytes").longValue();
    if (Files.size(file) != bytes) {
      throw Manifest.damaged(
          folder,
          String.format(Locale.ROOT, "%s has %,d bytes, not %,d", name, Files.size(file), bytes));
    }
    if (!Digests.of(file).equals(wanted.path(Manifest.SEAL).asText())) {
      throw Manifest.damaged(folder, name + " is not what was exported, its SHA-256 is another");
    }
  }
}
