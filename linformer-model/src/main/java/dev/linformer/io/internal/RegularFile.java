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
    String named = what.isEmpty() ? file.toString() : what + " " + file;
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(file, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(named + ": no such file", e);
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: cannot be read: %s".formatted(named, FileProblem.words(e)), e);
    }
    if (attributes.isDirectory()) {
      throw new InvalidInputException(named + ": is a folder, and a file is expected");
    }
    if (!attributes.isRegularFile()) {
      throw new InvalidInputException(
          named + ": is no regular file but a pipe or a device; name a file");
    }
    if (!Files.isReadable(file)) {
      throw new InvalidInputException(
          named + ": may not be read; mend its permissions, or name another file");
    }
  }
}
