package dev.linformer.model.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {

  private final IOException full = new IOException("the disk is full");

  @TempDir private Path temporary;

  private List<String> names() throws IOException {
    try (var entries = Files.list(temporary)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aFileIsReplaced() throws IOException {
    Path file = temporary.resolve("file");
    WholeFile.write(file, bytes("old, and longer"));
    assertEquals("old, and longer", Files.readString(file));
    WholeFile.write(file, bytes("new"));
    assertEquals("new", Files.readString(file));
    assertEquals(List.of("file"), names());
  }

  @Test
  void theOldFileStandsUntilTheNewOneIsComplete() throws IOException {
    Path file = temporary.resolve("file");
    WholeFile.write(file, bytes("old"));
    WholeFile.write(
        file,
        channel -> {
          channel.write(ByteBuffer.wrap(bytes("new")));
          assertEquals("old", Files.readString(file));
        });
    assertEquals("new", Files.readString(file));
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = temporary.resolve("file");
    WholeFile.Body failing =
        channel -> {
          channel.write(ByteBuffer.wrap(bytes("half")));
          throw full;
        };
    IOException failure = assertThrows(IOException.class, () -> WholeFile.write(file, failing));
    assertEquals(file + ": the disk is full", failure.getMessage());
    assertSame(full, failure.getCause());
    assertEquals(List.of(), names());
    WholeFile.write(file, bytes("old"));
    assertThrows(IOException.class, () -> WholeFile.write(file, failing));
    assertEquals(List.of("file"), names());
    assertEquals("old", Files.readString(file));
  }

  @Test
  void aFolderIsReplaced() throws IOException {
    Path folder = temporary.resolve("folder");
    WholeFile.writeFolder(folder, aside -> Files.writeString(aside.resolve("a"), "old"));
    WholeFile.writeFolder(
        folder,
        aside -> {
          Files.createDirectory(aside.resolve("inner"));
          Files.writeString(aside.resolve("inner/b"), "new");
          assertEquals("old", Files.readString(folder.resolve("a")));
        });
    assertEquals("new", Files.readString(folder.resolve("inner/b")));
    assertFalse(Files.exists(folder.resolve("a")));
    assertEquals(List.of("folder"), names());
  }

  @Test
  void aFailureLeavesTheOldFolderAndNothingElse() throws IOException {
    Path folder = temporary.resolve("folder");
    WholeFile.Content failing =
        aside -> {
          Files.writeString(aside.resolve("a"), "half");
          throw full;
        };
    IOException failure =
        assertThrows(IOException.class, () -> WholeFile.writeFolder(folder, failing));
    assertEquals(folder + ": the disk is full", failure.getMessage());
    assertEquals(List.of(), names());
    WholeFile.writeFolder(folder, aside -> Files.writeString(aside.resolve("a"), "old"));
    assertThrows(IOException.class, () -> WholeFile.writeFolder(folder, failing));
    assertEquals(List.of("folder"), names());
    assertEquals("old", Files.readString(folder.resolve("a")));
  }

  @Test
  void aNewFolderReplacesNothing() throws IOException {
    Path folder = temporary.resolve("folder");
    WholeFile.newFolder(folder, aside -> Files.writeString(aside.resolve("a"), "first"));
    assertThrows(
        FileAlreadyExistsException.class,
        () ->
            WholeFile.newFolder(folder, aside -> Files.writeString(aside.resolve("a"), "second")));
    assertEquals("first", Files.readString(folder.resolve("a")));
    assertEquals(List.of("folder"), names());
    WholeFile.Content failing =
        aside -> {
          Files.writeString(aside.resolve("a"), "half");
          throw full;
        };
    Path other = temporary.resolve("other");
    IOException failure =
        assertThrows(IOException.class, () -> WholeFile.newFolder(other, failing));
    assertSame(full, failure.getCause());
    assertEquals(List.of("folder"), names());
  }

  @Test
  void aFolderIsDeletedWithAllThatIsInIt() throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("folder/inner"));
    Files.writeString(folder.resolve("a"), "text");
    WholeFile.delete(temporary.resolve("folder"));
    WholeFile.delete(temporary.resolve("folder"));
    assertEquals(List.of(), names());
  }
}
