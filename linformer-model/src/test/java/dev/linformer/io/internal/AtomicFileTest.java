package dev.linformer.io.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {

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
    AtomicFile.write(file, bytes("old, and longer"));
    assertEquals("old, and longer", Files.readString(file));
    AtomicFile.write(file, bytes("new"));
    assertEquals("new", Files.readString(file));
    assertEquals(List.of("file"), names());
  }

  @Test
  void theOldFileStandsUntilTheNewOneIsComplete() throws IOException {
    Path file = temporary.resolve("file");
    AtomicFile.write(file, bytes("old"));
    AtomicFile.write(
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
    AtomicFile.FileContent failing =
        channel -> {
          channel.write(ByteBuffer.wrap(bytes("half")));
          throw full;
        };
    IOException failure = assertThrows(IOException.class, () -> AtomicFile.write(file, failing));
    assertEquals(file + ": the disk is full", failure.getMessage());
    assertSame(full, failure.getCause());
    assertEquals(List.of(), names());
    AtomicFile.write(file, bytes("old"));
    assertThrows(IOException.class, () -> AtomicFile.write(file, failing));
    assertEquals(List.of("file"), names());
    assertEquals("old", Files.readString(file));
  }

  @Test
  void aFolderIsReplaced() throws IOException {
    Path folder = temporary.resolve("folder");
    AtomicFolder.write(folder, aside -> Files.writeString(aside.resolve("a"), "old"));
    AtomicFolder.write(
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
    AtomicFolder.FolderContent failing =
        aside -> {
          Files.writeString(aside.resolve("a"), "half");
          throw full;
        };
    IOException failure =
        assertThrows(IOException.class, () -> AtomicFolder.write(folder, failing));
    assertEquals(folder + ": the disk is full", failure.getMessage());
    assertEquals(List.of(), names());
    AtomicFolder.write(folder, aside -> Files.writeString(aside.resolve("a"), "old"));
    assertThrows(IOException.class, () -> AtomicFolder.write(folder, failing));
    assertEquals(List.of("folder"), names());
    assertEquals("old", Files.readString(folder.resolve("a")));
  }

  @Test
  void aNewFolderReplacesNothing() throws IOException {
    Path folder = temporary.resolve("folder");
    AtomicFolder.create(folder, aside -> Files.writeString(aside.resolve("a"), "first"));
    assertThrows(
        FileAlreadyExistsException.class,
        () ->
            AtomicFolder.create(folder, aside -> Files.writeString(aside.resolve("a"), "second")));
    assertEquals("first", Files.readString(folder.resolve("a")));
    assertEquals(List.of("folder"), names());
    AtomicFolder.FolderContent failing =
        aside -> {
          Files.writeString(aside.resolve("a"), "half");
          throw full;
        };
    Path other = temporary.resolve("other");
    IOException failure =
        assertThrows(IOException.class, () -> AtomicFolder.create(other, failing));
    assertSame(full, failure.getCause());
    assertEquals(List.of("folder"), names());
  }

  @Test
  void aFolderIsDeletedWithAllThatIsInIt() throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("folder/inner"));
    Files.writeString(folder.resolve("a"), "text");
    AtomicFolder.delete(temporary.resolve("folder"));
    AtomicFolder.delete(temporary.resolve("folder"));
    assertEquals(List.of(), names());
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aLinkStaysAndItsTargetIsReplaced() throws IOException {
    Path inner = Files.createDirectory(temporary.resolve("inner"));
    Path file = Files.writeString(inner.resolve("file"), "old");
    Path there = Files.createSymbolicLink(temporary.resolve("there"), Path.of("inner"));
    Path link = Files.createSymbolicLink(temporary.resolve("link"), Path.of("there/file"));
    Path second = Files.createSymbolicLink(inner.resolve("second"), Path.of("../link"));
    AtomicFile.write(there.resolve("second"), bytes("new"));
    assertEquals("new", Files.readString(file));
    assertTrue(Files.isSymbolicLink(link) && Files.isSymbolicLink(second));
    Files.delete(file);
    AtomicFile.requirePlace("--out", link);
    AtomicFile.write(link, bytes("made"));
    assertEquals("made", Files.readString(file));
    assertEquals(List.of("inner", "link", "there"), names());
    Path circle = Files.createSymbolicLink(temporary.resolve("circle"), Path.of("circle"));
    IOException failure =
        assertThrows(IOException.class, () -> AtomicFile.write(circle, bytes("no")));
    assertEquals(circle + ": the links go round in a circle", failure.getMessage());
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aDeviceIsWrittenTo() throws IOException {
    Path full = Path.of("/dev/full");
    Path link = Files.createSymbolicLink(temporary.resolve("link"), full);
    for (Path each : new Path[] {full, link}) {
      AtomicFile.requirePlace("--out", each);
      IOException failure =
          assertThrows(IOException.class, () -> AtomicFile.write(each, bytes("text")));
      assertEquals(each + ": No space left on device", failure.getMessage());
      assertTrue(Files.exists(each) && !Files.isRegularFile(each));
    }
    assertEquals(List.of("link"), names());
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aPipeIsWrittenTo() throws Exception {
    Path pipe = temporary.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    AtomicFile.requirePlace("--out", pipe);
    // Both ends, so that nothing waits for anything: what is written lies in the pipe.
    try (FileChannel both =
        FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      AtomicFile.write(pipe, bytes("text"));
      assertEquals(List.of("pipe"), names());
      assertFalse(Files.isRegularFile(pipe));
      ByteBuffer read = ByteBuffer.allocate(4);
      assertEquals(4, both.read(read));
      assertEquals("text", new String(read.array(), StandardCharsets.UTF_8));
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void anInputIsNoPlaceForAnOutput() throws IOException {
    Path folder = temporary.resolve("folder");
    Files.createDirectories(folder.resolve("inner"));
    Path input = Files.writeString(folder.resolve("inner/input"), "text");
    Files.createSymbolicLink(folder.resolve("inner/up"), Path.of(".."));
    Path hard = Files.createLink(temporary.resolve("hard"), input);
    Path soft = Files.createSymbolicLink(temporary.resolve("soft"), Path.of("folder/inner/input"));
    Path other = Files.writeString(temporary.resolve("other"), "text");
    Path there = Files.createSymbolicLink(temporary.resolve("there"), Path.of("folder"));
    for (Path output : new Path[] {input, hard, soft, there.resolve("inner/../inner/input")}) {
      for (Path read : new Path[] {input, folder, there, hard, soft}) {
        InvalidInputException refused =
            assertThrows(
                InvalidInputException.class,
                () -> AtomicFile.requirePlace("--out", output, null, other, read));
        String message = String.valueOf(refused.getMessage());
        assertTrue(
            message.endsWith("which is read; name another file, or it would be lost"), message);
        assertTrue(message.startsWith("--out " + output + " is " + read), message);
      }
    }
    AtomicFile.requirePlace("--out", other, folder, null, temporary.resolve("none"));
    AtomicFile.requirePlace("--out", folder.resolve("new"), folder);
    assertEquals(List.of("folder", "hard", "other", "soft", "there"), names());
  }
}
