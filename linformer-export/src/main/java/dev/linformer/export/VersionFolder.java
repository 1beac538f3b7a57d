package dev.linformer.export;

import dev.linformer.model.FileProblem;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A folder of numbered versions, the layout of TensorFlow Serving, which serves the highest. A new
 * version appears whole, beside the older ones, so that whoever reads meets the old one or the new
 * one, and never a part.
 */
final class VersionFolder {

  private VersionFolder() {}

  /**
   * Adds a version after the highest.
   *
   * @param out a new or empty folder, or one of versions
   * @return the version's folder
   * @throws InvalidInputException if something else is at {@code out}, or nothing can be written
   *     there
   * @throws IOException if writing fails later, such as on a disk that gets full; nothing is left
   */
  static Path add(Path out, WholeFile.Content content) throws IOException {
    requireOurs(out);
    boolean existed = Files.exists(out);
    try {
      Files.createDirectories(out);
      Files.delete(Files.createTempFile(out, ".write", ".test"));
    } catch (IOException e) {
      throw new InvalidInputException(
          "%s: cannot write there (%s); name a folder that you may write to"
              .formatted(out, FileProblem.words(e)),
          e);
    }
    boolean complete = false;
    try {
      while (true) {
        long next = highest(out).orElse(0) + 1;
        Path version = out.resolve(Long.toString(next));
        try {
          WholeFile.newFolder(version, content);
          complete = true;
          return version;
        } catch (FileAlreadyExistsException e) {
          // Somebody else has just taken the number.
        }
      }
    } finally {
      if (!complete && !existed) {
        WholeFile.delete(out);
      }
    }
  }

  /** The highest version in a folder. */
  static OptionalLong highest(Path folder) throws IOException {
    return names(folder).stream().filter(VersionFolder::isVersion).mapToLong(Long::parseLong).max();
  }

  private static boolean isVersion(String name) {
    return name.matches("[1-9][0-9]{0,17}");
  }

  /** What begins with a dot was left by an export that was killed, or is the file manager's. */
  private static Set<String> names(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  static void requireOurs(Path out) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new InvalidInputException(out + " is a file; name a folder");
    }
    List<String> others = names(out).stream().filter(name -> !isVersion(name)).toList();
    if (others.contains("saved_model.pb")) {
      throw new InvalidInputException(
          out + " is a SavedModel; name a folder for versions, which are folders in it");
    }
    if (!others.isEmpty()) {
      throw new InvalidInputException(
          "%s holds other things than versions: %s; name a new or empty folder"
              .formatted(out, String.join(", ", others)));
    }
  }
}
