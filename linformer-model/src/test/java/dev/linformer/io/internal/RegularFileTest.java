package dev.linformer.io.internal;

import static dev.linformer.model.Values.refusal;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.internal.weights.NpyFile;
import dev.linformer.model.internal.weights.NpzFile;
import dev.linformer.model.internal.weights.PyTorchFile;
import dev.linformer.model.internal.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegularFileTest {

  @TempDir private Path folder = Path.of("");

  @Test
  void aFileOrALinkToOne() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    assertDoesNotThrow(() -> RegularFile.require("--input", file));
    assertDoesNotThrow(() -> RegularFile.require("--input", link));
  }

  @Test
  void whatIsNone() throws IOException {
    Path none = folder.resolve("none");
    assertEquals(
        "--input " + none + ": no such file", refusal(() -> RegularFile.require("--input", none)));
    Path below = Files.createFile(folder.resolve("file")).resolve("below");
    assertEquals(
        below + ": cannot be read: Not a directory", refusal(() -> RegularFile.require("", below)));
    Path loop = folder.resolve("loop");
    Files.createSymbolicLink(loop, loop);
    assertTrue(
        refusal(() -> RegularFile.require("", loop)).startsWith(loop + ": cannot be read: "));
    assertEquals(
        folder + ": is a folder, and a file is expected",
        refusal(() -> RegularFile.require("", folder)));
  }

  @Test
  void aFileOrAFolder() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertDoesNotThrow(() -> RegularFile.requireFileOrFolder("--data", file));
    assertDoesNotThrow(() -> RegularFile.requireFileOrFolder("--data", folder));
    Path none = folder.resolve("none");
    assertEquals(
        "--data " + none + ": no such file or folder",
        refusal(() -> RegularFile.requireFileOrFolder("--data", none)));
  }

  /** Opening a pipe waits for its other end. */
  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void aPipe() throws IOException, InterruptedException {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    assertEquals(
        pipe + ": is no regular file but a pipe or a device; name a file",
        refusal(() -> RegularFile.require("", pipe)));
    assertEquals(
        "--data " + pipe + ": is no regular file but a pipe or a device; name a file",
        refusal(() -> RegularFile.requireFileOrFolder("--data", pipe)));
  }

  /** Each reader asks, and not only when it looks at what it has read. */
  @ParameterizedTest
  @ValueSource(strings = {"/dev/zero", "/dev/null"})
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void everyReaderRefusesADevice(String name) {
    Path device = Path.of(name);
    List<Executable> readers =
        List.of(
            () -> SafetensorsFile.open(device).close(),
            () -> NpyFile.read(device),
            () -> NpzFile.open(device).close(),
            () -> PyTorchFile.open(device).close(),
            () -> ModelConfig.read(device));
    for (Executable reader : readers) {
      assertEquals(
          device + ": is no regular file but a pipe or a device; name a file", refusal(reader));
    }
  }
}
