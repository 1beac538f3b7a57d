package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.SavedModel;

/**
 * Whatever happens to an export, it is refused in a sentence, and never computes something else.
 */
class DamagedExportTest {

  private static final List<String> FILES =
      List.of(
          "saved_model.pb",
          "variables/variables.index",
          "variables/variables.data-00000-of-00001",
          "assets.extra/config.json",
          "assets.extra/linformer.json",
          "README.md");

  private static Path base = Path.of("");
  private static Path sound = Path.of("");
  private static Path other = Path.of("");

  /** What is done to a folder. */
  private interface Harm {
    void to(Path folder) throws IOException;
  }

  /** A harm, and words of the refusal; a name for the report. */
  private record Damage(String name, Harm harm, String words) {
    @Override
    public String toString() {
      return name;
    }
  }

  @BeforeAll
  static void export() throws IOException {
    base = Files.createTempDirectory("damaged");
    sound =
        export("sound", Models.save(Models.encoder(ParameterSharing.NONE), 1, base.resolve("a")));
    other = export("other", Models.save(Models.classifier(Pooling.MEAN), 1, base.resolve("b")));
  }

  private static Path export(String name, ModelDirectory model) throws IOException {
    return ModelExporter.export(model, base.resolve(name));
  }

  @AfterAll
  static void delete() throws IOException {
    AtomicFolder.delete(base);
  }

  /** Fifty. */
  static Stream<Damage> damages() {
    List<Damage> all = new ArrayList<>();
    Random random = new Random(1);
    for (String name : FILES) {
      for (double part : new double[] {0, 0.5, 0.99}) {
        all.add(
            new Damage(
                String.format(Locale.ROOT, "%s, %.0f %% of it", name, 100 * part),
                folder -> truncate(folder.resolve(name), part),
                "damaged: " + name));
      }
      for (int i = 0; i < 4; i++) {
        double place = random.nextDouble();
        int bit = random.nextInt(8);
        all.add(
            new Damage(
                String.format(Locale.ROOT, "%s, bit %s at %.2f", name, bit, place),
                folder -> flip(folder.resolve(name), place, bit),
                "export"));
      }
      all.add(
          new Damage(
              "no " + name, folder -> Files.delete(folder.resolve(name)), name + " is missing"));
      if (!name.equals("assets.extra/linformer.json")) {
        all.add(
            new Damage(
                name + " of another model",
                folder ->
                    Files.copy(
                        other.resolve(name),
                        folder.resolve(name),
                        StandardCopyOption.REPLACE_EXISTING),
                "damaged: " + name));
      }
    }
    all.add(
        new Damage(
            "the manifest of another model",
            folder ->
                Files.copy(
                    other.resolve(Manifest.NAME),
                    folder.resolve(Manifest.NAME),
                    StandardCopyOption.REPLACE_EXISTING),
            "damaged: README.md"));
    all.add(
        new Damage(
            "bytes behind the weights",
            folder ->
                Files.write(folder.resolve(FILES.get(2)), new byte[3], StandardOpenOption.APPEND),
            "damaged: variables/variables.data-00000-of-00001 has"));
    all.add(
        new Damage(
            "a folder in the place of the graph",
            folder -> {
              Files.delete(folder.resolve("saved_model.pb"));
              Files.createDirectory(folder.resolve("saved_model.pb"));
            },
            "saved_model.pb is missing"));
    all.add(
        new Damage(
            "a manifest that is no object",
            folder -> Files.writeString(folder.resolve(Manifest.NAME), "[1, 2]"),
            "linformer.json is no JSON object"));
    all.add(
        new Damage(
            "a newer format",
            folder -> edit(folder, "\"format_version\" : 1", "\"format_version\" : 2"),
            "format version 2, but this library knows those up to 1"));
    all.add(
        new Damage(
            "a manifest laid out anew",
            folder -> edit(folder, "  ", "    "),
            "doesn't have the digest that it names"));
    // Sealed again, so that only the contents can tell.
    all.add(
        new Damage(
            "another graph under new digests",
            folder -> {
              for (String name : FILES.subList(0, 3)) {
                Files.copy(
                    other.resolve(name), folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
              }
              Seal.again(folder);
            },
            "damaged: saved_model.pb has no inputs"));
    all.add(
        new Damage(
            "another configuration under new digests",
            folder -> {
              Path config = folder.resolve("assets.extra/config.json");
              Files.writeString(
                  config,
                  Files.readString(config).replace("\"channels\" : 13", "\"channels\" : 17"));
              Seal.again(folder);
            },
            "has input inputs [-1, 11, 13], but its config.json says [-1, 11, 17]"));
    all.addAll(resealed());
    return all.stream();
  }

  private static List<Damage> resealed() {
    List<Damage> all = new ArrayList<>();
    for (String version :
        new String[] {"2.0", "1.5", "4294967297", "1e300", "1" + "0".repeat(900)}) {
      all.add(version(version, "an export of format version "));
    }
    for (String version : new String[] {"\"1\"", "\"2\"", "0", "-1", "0.5", "[1]", "null"}) {
      all.add(version(version, "linformer.json has format_version = "));
    }
    all.add(
        new Damage(
            "no version",
            folder -> change(folder, json -> json.remove("format_version")),
            "linformer.json has format_version = nothing, not 1"));
    all.add(
        new Damage(
            "no files",
            folder -> change(folder, json -> json.remove("files")),
            "linformer.json has no digest of saved_model.pb"));
    for (String name : FILES.subList(0, 4)) {
      all.add(
          new Damage(
              "no digest of " + name,
              folder -> change(folder, json -> json.withObject("/files").remove(name)),
              "linformer.json has no digest of " + name));
    }
    all.add(
        new Damage(
            "a file whose name no file can have",
            folder -> change(folder, json -> json.withObject("/files").putObject("a\0b")),
            "linformer.json has a file whose name no file can have"));
    all.add(
        dtype(
            "inputs", "int32", "saved_model.pb has no inputs int32 [-1, 11, 13] as assets.extra"));
    all.add(
        new Damage(
            "another dtype in the graph's signature",
            folder -> {
              Path file = folder.resolve(FILES.get(0));
              SavedModel.Builder model = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
              var graph = model.getMetaGraphsBuilder(0);
              var signature = graph.getSignatureDefOrThrow("serving_default").toBuilder();
              var input = signature.getInputsOrThrow("inputs").toBuilder();
              signature.putInputs("inputs", input.setDtype(DataType.DT_INT32).build());
              graph.putSignatureDef("serving_default", signature.build());
              Files.write(file, model.build().toByteArray());
              Seal.again(folder);
            },
            "DT_INT32"));
    all.add(dtype("inputs", "int9", "has dtype \"int9\" of serving_default inputs"));
    all.add(dtype("outputs", "int32", "has dtype \"int32\" of serving_default outputs"));
    all.add(
        new Damage(
            "no outputs",
            folder ->
                change(
                    folder,
                    json -> json.withObject("/signatures/serving_default/outputs").removeAll()),
            "linformer.json has no outputs of serving_default"));
    all.add(
        new Damage(
            "more layers than the weights are",
            folder -> say(folder, "depth", 2, 999),
            "its config.json describes more weights than its "));
    all.add(
        new Damage(
            "a manifest 300,000 deep",
            folder -> Files.writeString(folder.resolve(Manifest.NAME), "{\"a\":".repeat(300_000)),
            "linformer.json is no JSON"));
    return all;
  }

  /** Another number in config.json, under new digests. */
  private static void say(Path folder, String key, int was, int is) throws IOException {
    Path config = folder.resolve("assets.extra/config.json");
    String text = Files.readString(config);
    String old = "\"%s\" : %s,".formatted(key, was);
    assertTrue(text.contains(old), text);
    Files.writeString(config, text.replace(old, "\"%s\" : %s,".formatted(key, is)));
    Seal.again(folder);
  }

  /** So many that it would take minutes to declare them; here, or by the configuration. */
  @Test
  void isNotDeclaredWithAnyNumberOfLayersAndHeads() throws IOException {
    for (int number : new int[] {300_000, Integer.MAX_VALUE}) {
      for (String key : new String[] {"depth", "nhead"}) {
        Path folder = copy();
        say(folder, key, key.equals("depth") ? 2 : 3, number);
        assertThrows(InvalidInputException.class, () -> ExportedLinformer.load(folder).close());
      }
    }
  }

  private static Damage version(String number, String words) {
    return new Damage(
        "format version " + number.substring(0, Math.min(12, number.length())),
        folder -> {
          edit(folder, "\"format_version\" : 1", "\"format_version\" : " + number);
          Seal.again(folder);
        },
        words);
  }

  private static Damage dtype(String name, String dtype, String words) {
    return new Damage(
        name + " of " + dtype,
        folder ->
            change(
                folder,
                json ->
                    json.withObject("/signatures/serving_default/%1$s/%1$s".formatted(name))
                        .put("dtype", dtype)),
        words);
  }

  private static void change(Path folder, Consumer<ObjectNode> how) throws IOException {
    Path file = folder.resolve(Manifest.NAME);
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(file.toFile());
    how.accept(json);
    json.remove("sha256");
    json.put("sha256", Digests.of(Manifest.bytes(json)));
    Files.write(file, Manifest.bytes(json));
  }

  /** 1.0 is 1. */
  @Test
  void aVersionIsANumber() throws IOException {
    Path folder = copy();
    version("1.0", "").harm.to(folder);
    ExportedLinformer.load(folder).close();
  }

  @ParameterizedTest
  @MethodSource("damages")
  void isRefused(Damage damage) throws IOException {
    Path folder = copy();
    ExportedLinformer.load(folder).close();
    damage.harm.to(folder);
    String message =
        String.valueOf(
            assertThrows(InvalidInputException.class, () -> ExportedLinformer.load(folder).close())
                .getMessage());
    assertTrue(message.startsWith(folder + ": "), message);
    assertTrue(message.contains(damage.words), message);
  }

  private static Path copy() throws IOException {
    Path folder = Files.createTempDirectory(base, "copy");
    try (var files = Files.walk(sound)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = folder.resolve(sound.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
    return folder;
  }

  @Test
  void areAtLeastFifty() {
    assertTrue(damages().count() >= 50, () -> damages().count() + " are fewer than fifty");
  }

  private static void truncate(Path file, double part) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, (int) (part * bytes.length)));
  }

  private static void flip(Path file, double place, int bit) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int at = (int) (place * bytes.length);
    bytes[at] ^= (byte) (1 << bit);
    Files.write(file, bytes);
  }

  private static void edit(Path folder, String from, String to) throws IOException {
    Path file = folder.resolve(Manifest.NAME);
    String text = Files.readString(file);
    assertTrue(text.contains(from));
    Files.writeString(file, text.replace(from, to));
  }
}
