package dev.linformer.model.weights;

import dev.linformer.model.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Files and folders that appear whole or not at all: written aside, forced to disk, renamed. */
public final class WholeFile {

  /** Writes a file's content. */
  public interface Body {
    /** Writes from the channel's position on. */
    void writeTo(FileChannel channel) throws IOException;
  }

  /** Fills a folder. */
  public interface Content {
    /** Writes into an empty folder. */
    void writeTo(Path folder) throws IOException;
  }

  private WholeFile() {}

  /**
   * Makes sure that a file can be written before its content is made.
   *
   * @param option of the command line, for messages
   * @throws InvalidInputException if it is a folder, or if there is no folder for it
   */
  public static void requirePlace(String option, Path file) {
    if (Files.isDirectory(file)) {
      throw new InvalidInputException("%s %s is a folder; name a file".formatted(option, file));
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new InvalidInputException("%s %s: no folder %s".formatted(option, file, folder));
    }
  }

  /**
   * Writes a file. A reader, or a crash, meets the old file or the new one; a failure leaves
   * nothing behind.
   */
  public static void write(Path file, Body body) throws IOException {
    Path aside = aside(file);
    try {
      try (FileChannel channel =
          FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        body.writeTo(channel);
        channel.force(true);
      }
      Files.move(aside, file.toAbsolutePath(), StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  /** Writes a file of the given bytes. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, channel -> FileBytes.drain(ByteBuffer.wrap(bytes), channel));
  }

  /**
   * Writes a folder and gives it its name when it is complete. An older folder of that name is
   * moved away right before, and deleted after.
   */
  public static void writeFolder(Path folder, Content content) throws IOException {
    Path target = folder.toAbsolutePath();
    Path aside = aside(folder);
    Path old = aside(folder);
    Files.createDirectory(aside);
    try {
      content.writeTo(aside);
      force(aside);
      replace(target, aside, old);
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
  public static void newFolder(Path folder, Content content) throws IOException {
    newFolder(folder, aside(folder), content);
  }

  /**
   * Writes a folder and gives it its name when it is complete.
   *
   * @param aside where it is written, beside the folder
   * @throws FileAlreadyExistsException if something has that name by then; it is left as it is
   */
  public static void newFolder(Path folder, Path aside, Content content) throws IOException {
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

  private static Path aside(Path target) {
    Path absolute = target.toAbsolutePath();
    return absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID());
  }
}
