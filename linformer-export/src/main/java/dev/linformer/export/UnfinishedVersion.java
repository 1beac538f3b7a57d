package dev.linformer.export;

import dev.linformer.io.internal.AtomicFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * The folder in which a version is written before it has its name, {@code .7.UUID}, and beside it a
 * file, {@code .7.UUID.lock}, that is locked meanwhile. So whoever comes later can tell what a
 * killed process left from what another one is writing now.
 */
final class UnfinishedVersion implements AutoCloseable {

  private static final Pattern NAME =
      Pattern.compile("(\\.[0-9]+\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(\\.lock)?");

  /** Those of this process: its own locks don't keep it out. */
  private static final Set<Path> OURS = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel lock;

  private UnfinishedVersion(Path folder, FileChannel lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /** A place for a version, with nothing there but the locked file. */
  static UnfinishedVersion create(Path version) throws IOException {
    Path absolute = version.toAbsolutePath().normalize();
    while (true) {
      UnfinishedVersion unfinished =
          open(absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID()));
      try {
        unfinished.lock.lock();
      } catch (IOException e) {
        return unfinished; // a file system without locks, where nobody deletes it either
      }
      if (Files.exists(lockOf(unfinished.folder))) {
        return unfinished;
      }
      unfinished.close(); // it was not locked yet when another process looked
    }
  }

  private static UnfinishedVersion open(Path folder) throws IOException {
    OURS.add(folder);
    try {
      return new UnfinishedVersion(
          folder,
          FileChannel.open(
              lockOf(folder), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    } catch (IOException e) {
      OURS.remove(folder);
      throw e;
    }
  }

  /** Where to write it, to be made. */
  Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException {
    try (lock) {
      Files.deleteIfExists(lockOf(folder));
    } finally {
      OURS.remove(folder);
    }
  }

  private static Path lockOf(Path folder) {
    return folder.resolveSibling(folder.getFileName() + ".lock");
  }

  /** Deletes those in a folder of versions that nobody is writing any more, where it may. */
  static void deleteAll(Path versions) throws IOException {
    Path absolute = versions.toAbsolutePath().normalize();
    Set<Path> folders = new TreeSet<>();
    try (var entries = Files.list(absolute)) {
      entries
          .map(entry -> NAME.matcher(entry.getFileName().toString()))
          .filter(name -> name.matches())
          .forEach(name -> folders.add(absolute.resolve(name.group(1))));
    }
    for (Path folder : folders) {
      if (!OURS.contains(folder)) {
        deleteUnlessLocked(folder);
      }
    }
  }

  private static void deleteUnlessLocked(Path folder) {
    Path file = lockOf(folder);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      deleteFolder(folder); // of a version of this library that had no locks
      return;
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      if (channel.tryLock() != null && deleteFolder(folder)) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // It was finished in this moment, or is somebody else's: it is in nobody's way.
    }
  }

  private static boolean deleteFolder(Path folder) {
    try {
      if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
        AtomicFolder.delete(folder);
      }
      return true;
    } catch (IOException e) {
      return false; // somebody else's
    }
  }
}
