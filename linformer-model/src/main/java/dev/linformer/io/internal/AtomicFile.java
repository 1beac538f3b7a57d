package dev.linformer.io.internal;

import dev.linformer.io.InvalidInputException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Files that appear whole or not at all: written aside, forced to disk, renamed. {@link
 * AtomicFolder} does the same for folders.
 */
public final class AtomicFile {

  /** Writes a file's content. */
  public interface FileContent {
    /** Writes from the channel's position on. */
    void writeTo(FileChannel channel) throws IOException;
  }

  private static final int MOST_LINKS = 40;

  private AtomicFile() {}

  /**
   * Makes sure that a file can be written, and that nothing is lost by it, before its content is
   * made.
   *
   * @param option of the command line, for messages
   * @param inputs files that are read, and folders of such; null for one that is not given
   * @throws InvalidInputException if it is a folder, if there is no folder for it or nothing may be
   *     written there, or if it is one of the inputs under this name or another
   */
  public static void requirePlace(String option, Path file, @Nullable Path... inputs) {
    if (Files.isDirectory(file)) {
      throw new InvalidInputException("%s %s is a folder; name a file".formatted(option, file));
    }
    try {
      if (isSpecial(file) && Files.isWritable(file)) {
        return;
      }
      requireNone(option, file, inputs);
      if (isStandardOutput(file)) {
        return;
      }
      Path target = followed(file);
      Path folder = target.getParent();
      if (folder == null || !Files.isDirectory(folder)) {
        throw new InvalidInputException("%s %s: no folder %s".formatted(option, file, folder));
      }
      Path aside = aside(target);
      Files.createFile(aside);
      Files.delete(aside);
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s %s: cannot write there (%s); name a file in a folder that you may write to"
              .formatted(option, file, FileProblem.words(e)),
          e);
    }
  }

  private static void requireNone(String option, Path file, @Nullable Path... inputs)
      throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    for (Path input : inputs) {
      if (input == null || !Files.exists(input)) {
        continue;
      }
      Files.walkFileTree(
          input,
          EnumSet.of(FileVisitOption.FOLLOW_LINKS),
          Integer.MAX_VALUE,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path each, BasicFileAttributes attributes)
                throws IOException {
              if (Files.isSameFile(file, each)) {
                throw new InvalidInputException(
                    "%s %s is %s, which is read; name another file, or it would be lost"
                        .formatted(option, file, each));
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path each, IOException failure) {
              return FileVisitResult.CONTINUE; // what can't be read is no input
            }
          });
    }
  }

  /** A device or a pipe, which has no content that could be replaced. */
  private static boolean isSpecial(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
  }

  private static boolean isStandardOutput(Path file) throws IOException {
    Path output = Path.of("/dev/stdout");
    return Files.exists(file) && Files.exists(output) && Files.isSameFile(file, output);
  }

  /** The file that a link leads to, whether it is there or not; a link stays what it is. */
  private static Path followed(Path file) throws IOException {
    Path target = file.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(target); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemException(file.toString(), null, "the links go round in a circle");
      }
      target = target.resolveSibling(Files.readSymbolicLink(target));
    }
    return target;
  }

  /**
   * Writes a file. A reader, or a crash, meets the old file or the new one; a failure leaves
   * nothing behind. Where a link leads to the file, it stays. What isn't a file but a device, a
   * pipe or this process's standard output is written to.
   *
   * @throws IOException if it cannot be written; names the file
   */
  public static void write(Path file, FileContent body) throws IOException {
    if (isStandardOutput(file)) {
      @SuppressWarnings("resource") // it stays open
      FileChannel channel = new FileOutputStream(FileDescriptor.out).getChannel();
      body.writeTo(channel);
      return;
    }
    boolean special = isSpecial(file);
    Path target = special ? file : followed(file);
    Path aside = special ? file : aside(target);
    try {
      try (FileChannel channel = open(aside, special)) {
        body.writeTo(channel);
        if (!special) {
          channel.force(true);
        }
      }
      if (!special) {
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw named(e, aside, file);
    } finally {
      if (!special) {
        Files.deleteIfExists(aside);
      }
    }
  }

  private static FileChannel open(Path file, boolean special) throws IOException {
    return special
        ? FileChannel.open(file, StandardOpenOption.WRITE)
        : FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  /** The failure under the name that the user knows. */
  static IOException named(IOException failure, Path aside, Path target) {
    String file = failure instanceof FileSystemException system ? system.getFile() : null;
    String known = file == null ? aside.toString() : file;
    if (!known.startsWith(aside.toString())) {
      return failure;
    }
    IOException named =
        new FileSystemException(
            target + known.substring(aside.toString().length()), null, FileProblem.words(failure));
    named.initCause(failure);
    return named;
  }

  /** Writes a file of the given bytes. */
  public static void write(Path file, byte[] bytes) throws IOException {
    write(file, channel -> FileBytes.drain(ByteBuffer.wrap(bytes), channel));
  }

  /** A new name beside a file or folder, to write under. */
  static Path aside(Path target) {
    Path absolute = target.toAbsolutePath();
    return absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID());
  }
}
