package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Values;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Another process is tried in StopAndResumeTest. */
class TrainingLockTest {

  @TempDir private Path folder = Path.of("");

  private String refusal(Path path) {
    return Values.refusal(() -> TrainingLock.take(new ModelDirectory(path)).close());
  }

  @Test
  void oneAtATime() throws IOException {
    ModelDirectory directory = new ModelDirectory(folder);
    String expected =
        folder + ": another training is under way there; wait for its end, or name another folder";
    for (int round = 0; round < 2; round++) {
      try (TrainingLock lock = TrainingLock.take(directory)) {
        assertEquals(Optional.empty(), lock.failure());
        assertTrue(Files.exists(directory.lockFile()));
        assertEquals(expected, refusal(folder));
        assertEquals(expected, refusal(folder)); // the first refusal let nobody in
      }
    }
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "links need a right of their own")
  void anotherNameOfTheFolderIsTheSame() throws IOException {
    Path real = Files.createDirectory(folder.resolve("real"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), real);
    try (TrainingLock lock = TrainingLock.take(new ModelDirectory(real))) {
      assertEquals(Optional.empty(), lock.failure());
      assertTrue(refusal(link).startsWith(link + ": another training is under way there"));
    }
  }

  /** As by another class loader of the process, which shares the system's lock. */
  @Test
  void aLockThatOthersHold() throws IOException {
    ModelDirectory directory = new ModelDirectory(folder);
    try (FileChannel channel =
        FileChannel.open(
            directory.lockFile(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertTrue(channel.lock().isValid());
      assertTrue(refusal(folder).contains("another training is under way"));
    }
    TrainingLock.take(directory).close();
  }

  /** A folder in the file's place is as good as a file system without locks. */
  @Test
  void whereNothingCanBeLockedItGoesOn() throws IOException {
    ModelDirectory directory = new ModelDirectory(folder);
    Files.createDirectory(directory.lockFile());
    try (TrainingLock lock = TrainingLock.take(directory)) {
      assertTrue(lock.failure().isPresent());
      assertTrue(refusal(folder).contains("another training is under way"));
    }
  }

  @Test
  void aLeftLockLeavesTheFolderEmpty() throws IOException {
    ModelDirectory directory = new ModelDirectory(folder);
    Files.createFile(directory.lockFile());
    assertEquals(directory, ModelDirectory.create(folder));
    Files.createFile(folder.resolve("other"));
    String message = Values.refusal(() -> ModelDirectory.create(folder));
    assertTrue(message.contains("is not empty"), message);
  }
}
