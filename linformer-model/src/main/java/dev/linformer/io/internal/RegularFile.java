package dev.linformer.io.internal;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Whether a path leads to a file, looked up without opening it: a pipe would wait for its writer, a
 * device may never end.
 */
public final class RegularFile {

  private RegularFile() {}

  /**
   * Makes sure that there is a file that can be read to its end; links are followed.
   *
   * @param what stands before the path in messages, such as an option; may be empty
   * @throws InvalidInputException if there is none, or if it is a folder, a pipe or a device, or
   *     may not be read
   */
  public static void require(String what, Path file) {
    BasicFileAttributes attributes = attributes(what, file, "no such file");
    if (attributes.isDirectory()) {
      throw new InvalidInputException(named(what, file) + ": is a folder, and a file is expected");
    }
    requireReadable(what, file, attributes);
  }

  /**
   * Makes sure that there is a folder, or a file as {@link #require} wants it.
   *
   * @param what stands before the path in messages
   * @throws InvalidInputException if there is nothing, or a pipe or a device, or a file that may
   *     not be read
   */
  public static void requireFileOrFolder(String what, Path path) {
    BasicFileAttributes attributes = attributes(what, path, "no such file or folder");
    if (!attributes.isDirectory()) {
      requireReadable(what, path, attributes);
    }
  }

  /** The error for a pipe or a device. */
  public static InvalidInputException special(String what, Path file) {
    return new InvalidInputException(
        named(what, file) + ": is no regular file but a pipe or a device; name a file");
  }

  private static void requireReadable(String what, Path file, BasicFileAttributes attributes) {
    if (!attributes.isRegularFile()) {
      throw special(what, file);
    }
    if (!Files.isReadable(file)) {
      throw new InvalidInputException(
          named(what, file) + ": may not be read; mend its permissions, or name another file");
    }
  }

  private static BasicFileAttributes attributes(String what, Path path, String missing) {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(named(what, path) + ": " + missing, e);
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: cannot be read: %s".formatted(named(what, path), FileProblem.words(e)), e);
    }
  }

  private static String named(String what, Path path) {
    return what.isEmpty() ? path.toString() : what + " " + path;
  }
}
