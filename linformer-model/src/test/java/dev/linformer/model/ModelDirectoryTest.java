package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ModelDirectoryTest {

  @TempDir private Path temporary;

  @Test
  void makesAFolderThatIsNotThere() {
    Path path = temporary.resolve("a/b/c");
    assertEquals(path, ModelDirectory.create(path).path());
    assertTrue(Files.isDirectory(path));
  }

  @Test
  void takesAnEmptyFolderAndLeavesItEmpty() throws IOException {
    ModelDirectory.create(temporary);
    try (var entries = Files.list(temporary)) {
      assertEquals(0, entries.count());
    }
  }

  @Test
  void nothingIsOverwritten() throws IOException {
    Path file = Files.writeString(temporary.resolve("thesis.txt"), "all of it");
    assertEquals(
        temporary + " is not empty and holds no model of ours; name a new or empty folder",
        Values.refusal(() -> ModelDirectory.create(temporary)));
    assertEquals(
        file + " is a file; name a new or empty folder",
        Values.refusal(() -> ModelDirectory.create(file)));
    assertEquals("all of it", Files.readString(file));

    new ModelDirectory(temporary).writeConfig(LinformerConfig.builder(16, 8, 4).build());
    assertEquals(
        temporary + " holds a model already; name a new or empty folder",
        Values.refusal(() -> ModelDirectory.create(temporary)));
  }

  @Test
  void aFileOnTheWayIsRefused() throws IOException {
    Path file = Files.createFile(temporary.resolve("file"));
    Path below = file.resolve("model");
    String message = Values.refusal(() -> ModelDirectory.create(below));
    assertTrue(message.startsWith(below + ": cannot write there ("), message);
  }

  /** /proc takes no folders, from root neither. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aPlaceThatCannotBeWrittenToIsRefused() {
    Path path = Path.of("/proc/linformer");
    String message = Values.refusal(() -> ModelDirectory.create(path));
    assertTrue(message.startsWith(path + ": cannot write there ("), message);
    assertTrue(message.endsWith("name a folder that you may write to"), message);
    assertFalse(Files.exists(path));
  }

  @Test
  void opensWhatIsComplete() throws IOException {
    Path absent = temporary.resolve("absent");
    assertEquals(absent + ": no such folder", Values.refusal(() -> ModelDirectory.open(absent)));
    assertEquals(
        temporary + " is no model directory: config.json is missing",
        Values.refusal(() -> ModelDirectory.open(temporary)));
    Files.createFile(temporary.resolve("config.json"));
    assertEquals(
        temporary + " is no model directory: model.safetensors is missing",
        Values.refusal(() -> ModelDirectory.open(temporary)));
    Files.createFile(temporary.resolve("model.safetensors"));
    assertEquals(new ModelDirectory(temporary), ModelDirectory.open(temporary));
  }
}
