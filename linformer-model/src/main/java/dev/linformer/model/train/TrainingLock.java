package dev.linformer.model.train;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps others from training in a model directory. The lock is the system's, on a file that stays
 * there, and ends with the process, however that ends. Nobody else may open that file: on some
 * systems a lock ends when any reader of the same process closes it.
 */
final class TrainingLock implements Closeable {

  /** Folders of this process, which the system would let in again. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final @Nullable FileChannel channel;
  private final @Nullable IOException failure;

  /**
   * Locks a folder that is there, or goes on without where its file system has no locks.
   *
   * @throws InvalidInputException if another training is under way in it
   */
  static TrainingLock take(ModelDirectory directory) throws IOException {
    Path folder = directory.path().toRealPath();
    if (!HELD.add(folder)) {
      throw taken(directory);
    }
    try {
      return new TrainingLock(folder, lock(directory), null);
    } catch (IOException e) {
      return new TrainingLock(folder, null, e);
    } catch (InvalidInputException e) {
      HELD.remove(folder);
      throw e;
    }
  }

  private static FileChannel lock(ModelDirectory directory) throws IOException {
    FileChannel channel =
        FileChannel.open(directory.lockFile(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      // By another class loader of this process.
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    if (!locked) {
      channel.close();
      throw taken(directory);
    }
    return channel;
  }

  private static InvalidInputException taken(ModelDirectory directory) {
    return new InvalidInputException(
        "%s: another training is under way there; wait for its end, or name another folder"
            .formatted(directory.path()));
  }

  private TrainingLock(Path folder, @Nullable FileChannel channel, @Nullable IOException failure) {
    this.folder = folder;
    this.channel = channel;
    this.failure = failure;
  }

  /** Why nothing is locked, where that is so. */
  Optional<String> failure() {
    return Optional.ofNullable(failure).map(Throwable::getMessage);
  }

  /** Lets others in. */
  @Override
  public void close() throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      HELD.remove(folder);
    }
  }
}
