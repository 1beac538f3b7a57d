package dev.linformer.io.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Folders that appear whole or not at all: filled under another name, forced to disk, renamed.
 * {@link AtomicFile} does the same for files.
 */
public final class AtomicFolder {

  /** Fills a folder. */
  public interface FolderContent {
    /** Writes into an empty folder. */
    void writeTo(Path folder) throws IOException;
  }

  private AtomicFolder() {}

  /**
   * Writes a folder and gives it its name when it is complete. An older folder of that name is
   * moved away right before, and deleted after.
   */
  public static void write(Path folder, FolderContent content) throws IOException {
    Path target = folder.toAbsolutePath();
    Path aside = AtomicFile.aside(folder);
    Path old = AtomicFile.aside(folder);
    Files.createDirectory(aside);
    try {
      content.writeTo(aside);
      force(aside);
      replace(target, aside, old);
    } catch (IOException e) {
      throw AtomicFile.named(e, aside, folder);
    } finally {
      delete(aside);
    }
    delete(old);
  }

  /**
   * Writes a folder and gives it its name when it is complete.
   *
   * @throws FileAlreadyExistsException if something has that name by then; it is left as it is
   */
  public static void create(Path folder, FolderContent content) throws IOException {
    create(folder, AtomicFile.aside(folder), content);
  }

  /**
   * Writes a folder and gives it its name when it is complete.
   *
   * @param aside where it is written, beside the folder
   * @throws FileAlreadyExistsException if something has that name by then; it is left as it is
   */
  public static void create(Path folder, Path aside, FolderContent content) throws IOException {
    Path target = folder.toAbsolutePath();
    Files.createDirectory(aside);
    try {
      content.writeTo(aside);
      force(aside);
      if (Files.exists(target)) {
        throw new FileAlreadyExistsException(target.toString());
      }
      try {
        // Renaming doesn't replace a folder that isn't empty.
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        if (Files.exists(target)) {
          throw new FileAlreadyExistsException(target.toString());
        }
        throw e;
      }
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (IOException e) {
      throw AtomicFile.named(e, aside, folder);
    } finally {
      delete(aside);
    }
  }

  /** Puts {@code aside} in the place of {@code target}, which goes to {@code old}, or stays. */
  private static void replace(Path target, Path aside, Path old) throws IOException {
    boolean replaced = Files.exists(target);
    if (replaced) {
      Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
    }
    try {
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      if (replaced) {
        Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
      }
      throw e;
    }
  }

  /** Deletes a folder with all that is in it; nothing happens if there is none. */
  public static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path each, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(each);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void force(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      }
    }
  }
}
