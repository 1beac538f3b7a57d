package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.AtomicFolder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A file of another kind than an option wants, under every name that it takes: what the user reads
 * is a line with the file's name, whichever library reads it.
 */
class WrongKindsOfFileTest {

  private static final Pattern OF_A_PROGRAM =
      Pattern.compile("Exception|unexpected|\\b(java|org|com|dev)\\.[a-z]+\\.");

  @TempDir static Path folder = Path.of("");
  private static Path encoder = Path.of("");
  private static Path config = Path.of("");

  @BeforeAll
  static void write() throws IOException {
    config = Fixtures.config(folder, Fixtures.ENCODER);
    encoder = folder.resolve("encoder");
    Cli.done("init", "--config", config, "--out", encoder);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Contents by what they are. */
  private static Map<String, byte[]> contents() throws IOException {
    Map<String, byte[]> all = new LinkedHashMap<>();
    all.put("nothing", new byte[0]);
    all.put("words", bytes("plain words\n"));
    all.put("a table", bytes("a,b\n1,2\n"));
    all.put("a table with a bad quote", bytes("text,label\n\"a\"b,c\n"));
    all.put("a table with an open quote", bytes("text,label\n\"a,b\n"));
    all.put("JSON", bytes("{\"a\": [1, 2]}\n"));
    all.put("YAML", bytes("input_size: 6\nchannels: 4\n"));
    all.put("zeros", new byte[100]);
    all.put("UTF-16", "text,label\n".getBytes(StandardCharsets.UTF_16));
    byte[] picture = new byte[200];
    new Random(1).nextBytes(picture);
    System.arraycopy(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10}, 0, picture, 0, 8);
    all.put("a picture", picture);
    all.put(
        "an array",
        Files.readAllBytes(Fixtures.ints(folder.resolve("ints.npy"), "(2, 2)", 1, 2, 3, 4)));
    all.put("weights", Files.readAllBytes(encoder.resolve("model.safetensors")));
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(picture);
    }
    all.put("gzip", packed.toByteArray());
    packed = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(packed)) {
      zip.putNextEntry(new ZipEntry("notes.txt"));
      zip.write(bytes("mine"));
    }
    all.put("an archive", packed.toByteArray());
    return all;
  }

  /** {} is the file; a command may find nothing wrong with one or another. */
  @ParameterizedTest
  @CsvSource({
    "train --task classify --dry-run --data {}, .csv .tsv .csv.gz .txt .json .npy",
    "train --task causal-lm --dry-run --data {}, .txt .csv .gz",
    "train --task masked-lm --dry-run --data {} --set task.tokenizer=gpt2, .txt",
    "train --dry-run --config {}, .json .yaml",
    "init --out NEW --config {}, .json",
    "summary --config {}, .json",
    "predict --model ENCODER --output NEW --input {}, .npy .csv",
    "predict --model ENCODER --output NEW --input x.npy --mask {}, .npy",
    "visualize --model ENCODER --out NEW.png --input {}, .npy",
    "plot --out NEW.png --log {}, .jsonl .csv",
    "import --from linformer-pytorch --config CONFIG --out NEW --weights {}, .safetensors .npz .pt .pth .bin .h5",
    "import --from linformer --config {} --out NEW --weights {}, .json",
  })
  void isNamedInALine(String command, String endings) throws IOException {
    Fixtures.npy(folder.resolve("x.npy"), "<f4", "(1, 6, 4)", new byte[96]);
    int refused = 0;
    for (String ending : endings.split(" ", -1)) {
      for (Map.Entry<String, byte[]> content : contents().entrySet()) {
        Path file = Files.write(folder.resolve("wrong" + ending), content.getValue());
        Cli cli = Cli.run(arguments(command, file));
        if (cli.code() != 0) {
          refused++;
          assertRefused(cli, file, content.getKey());
        }
        AtomicFolder.delete(folder.resolve("new")); // of what was right
        Files.delete(file);
      }
    }
    assertTrue(refused > contents().size() / 2, command + " refused " + refused);
  }

  private static void assertRefused(Cli cli, Path file, String content) {
    String which = "%s with %s: %s".formatted(file.getFileName(), content, cli);
    assertEquals(2, cli.code(), which);
    String line = cli.err().lines().reduce((first, last) -> last).orElse("");
    assertTrue(line.contains(file.toString()), which);
    assertFalse(OF_A_PROGRAM.matcher(cli.err()).find(), which);
    assertFalse(Files.exists(folder.resolve("new")), which);
    assertFalse(Files.exists(folder.resolve("new.png")), which);
  }

  private static Object[] arguments(String command, Path file) {
    List<String> words = List.of(command.split(" ", -1));
    return words.stream()
        .map(word -> word.equals("{}") ? file.toString() : word)
        .map(word -> word.equals("NEW") ? folder.resolve("new").toString() : word)
        .map(word -> word.equals("NEW.png") ? folder.resolve("new.png").toString() : word)
        .map(word -> word.equals("ENCODER") ? encoder.toString() : word)
        .map(word -> word.equals("CONFIG") ? config.toString() : word)
        .map(word -> word.equals("x.npy") ? folder.resolve(word).toString() : word)
        .toArray();
  }

  /** A model directory in which a file is no longer what it was. */
  @ParameterizedTest
  @CsvSource({
    "config.json, predict --model ENCODER --output NEW --input x.npy",
    "config.json, export --model ENCODER --out NEW",
    "model.safetensors, predict --model ENCODER --output NEW --input x.npy",
    "model.safetensors, export --model ENCODER --out NEW",
    "trainer_state.json, export --model ENCODER --out NEW",
    "trainer_state.json, eval --model ENCODER",
    "trainer_state.json, train --resume ENCODER",
  })
  void isNamedInAModelDirectoryToo(String name, String command) throws IOException {
    Fixtures.npy(folder.resolve("x.npy"), "<f4", "(1, 6, 4)", new byte[96]);
    Path file = encoder.resolve(name);
    byte[] before = Files.exists(file) ? Files.readAllBytes(file) : null;
    try {
      for (Map.Entry<String, byte[]> content : contents().entrySet()) {
        Files.write(file, content.getValue());
        Cli cli = Cli.run(arguments(command, file));
        if (cli.code() != 0) {
          assertRefused(cli, file, content.getKey());
        }
        AtomicFolder.delete(folder.resolve("new")); // of what was right
      }
    } finally {
      if (before == null) {
        Files.delete(file);
      } else {
        Files.write(file, before);
      }
    }
  }
}
