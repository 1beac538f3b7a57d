package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
          "assets.extra/linformer.json");

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
    WholeFile.delete(base);
  }

  /** Fifty. */
  static Stream<Damage> damages() {
    List<Damage> all = new ArrayList<>();
    Random random = new Random(1);
    for (String name : FILES) {
      for (double part : new double[] {0, 0.5, 0.99}) {
        all.add(
            new Damage(
                "%s, %.0f %% of it".formatted(name, 100 * part),
                folder -> truncate(folder.resolve(name), part),
                "damaged: " + name));
      }
      for (int i = 0; i < 4; i++) {
        double place = random.nextDouble();
        int bit = random.nextInt(8);
        all.add(
            new Damage(
                "%s, bit %d at %.2f".formatted(name, bit, place),
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
            "damaged: assets.extra/config.json"));
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
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("damages")
  void isRefused(Damage damage) throws IOException {
    Path folder = Files.createTempDirectory(base, "copy");
    try (var files = Files.walk(sound)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = folder.resolve(sound.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
    ExportedLinformer.load(folder).close();
    damage.harm.to(folder);
    String message =
        String.valueOf(
            assertThrows(InvalidInputException.class, () -> ExportedLinformer.load(folder).close())
                .getMessage());
    assertTrue(message.startsWith(folder + ": "), message);
    assertTrue(message.contains(damage.words), message);
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
