package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ParameterSharing;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Names of versions, and what killed exports left beside them. */
class VersionFolderTest {

  private static final String UUID = "0b29bb8e-6d4c-4f0a-8f6b-3a2c8f5f1f1d";
  private static final String OTHER = "1b29bb8e-6d4c-4f0a-8f6b-3a2c8f5f1f1d";

  @TempDir private Path out = Path.of("");

  /** Begins a version, says so, and waits to be killed, or for the end of its input. */
  static final class Writing {
    private Writing() {}

    public static void main(String[] arguments) throws IOException {
      try (UnfinishedVersion version = UnfinishedVersion.create(Path.of(arguments[0]))) {
        Files.createDirectory(version.folder());
        String name = version.folder().getFileName() + "\n";
        new FileOutputStream(FileDescriptor.out).write(name.getBytes(StandardCharsets.UTF_8));
        System.in.read();
      }
    }
  }

  private Path add() throws IOException {
    return VersionFolder.add(out, aside -> Files.writeString(aside.resolve("file"), "content"));
  }

  private Set<String> names() throws IOException {
    try (var entries = Files.list(out)) {
      return entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void afterTheHighestThereIsThereIsNone() throws IOException {
    Files.createDirectory(out.resolve("9223372036854775807"));
    String message =
        String.valueOf(assertThrows(InvalidInputException.class, this::add).getMessage());
    assertEquals(
        out
            + " holds version 9223372036854775807, after which there is no number; delete it, or"
            + " name another folder",
        message);
    assertEquals(Set.of("9223372036854775807"), names());
    Files.delete(out.resolve("9223372036854775807"));
    Files.createDirectory(out.resolve("9223372036854775806"));
    assertEquals(out.resolve("9223372036854775807"), add());
  }

  @Test
  void zerosBeforeANumberAreNothing() throws IOException {
    Files.createDirectory(out.resolve("00001"));
    Files.createDirectory(out.resolve("0"));
    assertEquals(out.resolve("2"), add());
    Files.createDirectory(out.resolve("010"));
    assertEquals(out.resolve("010"), VersionFolder.highest(out).orElseThrow());
    assertEquals(out.resolve("11"), add());
  }

  @Test
  void anExportUnderANumberWithZerosIsLoaded(@TempDir Path folder) throws IOException {
    Path version =
        ModelExporter.export(
            Models.save(Models.encoder(ParameterSharing.NONE), 1, folder.resolve("model")), out);
    Files.move(version, out.resolve("00001"));
    Files.createDirectory(out.resolve("-1"));
    ExportedLinformer.load(out).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "9223372036854775808", "+1", "1.0", "١"})
  void otherNamesAreOtherThings(String name) throws IOException {
    Files.createDirectory(out.resolve(name));
    String message =
        String.valueOf(assertThrows(InvalidInputException.class, this::add).getMessage());
    assertTrue(message.contains("holds other things than versions: " + name), message);
    assertTrue(VersionFolder.highest(out).isEmpty());
    assertEquals(Set.of(name), names());
  }

  @Test
  void aFileIsNoVersion() throws IOException {
    Files.createFile(out.resolve("3"));
    assertTrue(VersionFolder.highest(out).isEmpty());
    assertThrows(InvalidInputException.class, this::add);
  }

  @Test
  void whatKilledExportsLeftIsDeleted() throws IOException {
    Path left = Files.createDirectory(out.resolve(".1." + UUID));
    Files.writeString(Files.createDirectory(left.resolve("variables")).resolve("part"), "part");
    Files.createDirectory(out.resolve(".2." + OTHER));
    Files.createFile(out.resolve(".2." + OTHER + ".lock"));
    // Not ours.
    Path notes = Files.createDirectory(out.resolve(".notes"));
    Files.createDirectory(out.resolve(".1.copy"));
    Files.createDirectory(out.resolve(".one." + UUID));
    Files.writeString(out.resolve(".3." + UUID), "a file");
    Files.createSymbolicLink(out.resolve(".4." + UUID), notes);
    assertEquals(out.resolve("1"), add());
    assertEquals(
        Set.of("1", ".notes", ".1.copy", ".one." + UUID, ".3." + UUID, ".4." + UUID), names());
  }

  @Test
  void whatAnotherProcessWritesStays() throws Exception {
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    System.getProperty("java.class.path"),
                    Writing.class.getName(),
                    out.resolve("1").toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var said = process.inputReader()) {
      String writing = said.readLine();
      Set<String> before = names();
      assertEquals(Set.of(writing, writing + ".lock"), before);
      assertEquals(out.resolve("1"), add());
      assertEquals(Set.of("1", writing, writing + ".lock"), names());
      process.destroyForcibly();
      process.waitFor();
      add();
      assertEquals(Set.of("1", "2"), names());
    } finally {
      process.destroyForcibly();
    }
  }

  /** Of two threads one writes while the other looks. */
  @Test
  void whatAnotherThreadWritesStays() throws IOException {
    Path second =
        VersionFolder.add(
            out,
            aside -> {
              Files.writeString(aside.resolve("file"), "second");
              if (Files.notExists(out.resolve("1"))) {
                assertEquals(out.resolve("1"), add());
              }
              assertEquals("second", Files.readString(aside.resolve("file")));
            });
    assertEquals(out.resolve("2"), second);
    assertEquals("second", Files.readString(second.resolve("file")));
    assertEquals(Set.of("1", "2"), names());
  }
}
