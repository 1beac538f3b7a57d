package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFolder;
import dev.linformer.io.internal.FileProblem;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * A folder of numbered versions, the layout of TensorFlow Serving, which serves the highest. A new
 * version appears whole, beside the older ones, so that whoever reads meets the old one or the new
 * one, and never a part.
 */
final class VersionFolder {

  private VersionFolder() {}

  /**
   * Adds a version after the highest. What killed exports left is deleted.
   *
   * @param out a new or empty folder, or one of versions
   * @return the version's folder
   * @throws InvalidInputException if something else is at {@code out}, or nothing can be written
   *     there, or if no number is left
   * @throws IOException if writing fails later, such as on a disk that gets full; nothing is left
   */
  static Path add(Path out, AtomicFolder.FolderContent content) throws IOException {
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
      UnfinishedVersion.deleteAll(out);
      while (true) {
        Path version = out.resolve(Long.toString(next(out)));
        try (UnfinishedVersion unfinished = UnfinishedVersion.create(version)) {
          AtomicFolder.create(version, unfinished.folder(), content);
          complete = true;
          return version;
        } catch (FileAlreadyExistsException e) {
          // Somebody else has just taken the number.
        }
      }
    } finally {
      if (!complete && !existed) {
        AtomicFolder.delete(out);
      }
    }
  }

  private static long next(Path out) throws IOException {
    long highest = highest(out).map(VersionFolder::number).orElse(0L);
    if (highest == Long.MAX_VALUE) {
      throw new InvalidInputException(
          "%s holds version %s, after which there is no number; delete it, or name another folder"
              .formatted(out, highest));
    }
    return highest + 1;
  }

  /** The folder with the highest version, which may have zeros before its number. */
  static Optional<Path> highest(Path folder) throws IOException {
    return entries(folder).stream()
        .filter(VersionFolder::isVersion)
        .max(
            Comparator.comparingLong(VersionFolder::number)
                .thenComparing(version -> -version.getFileName().toString().length()));
  }

  private static boolean isVersion(Path entry) {
    String name = entry.getFileName().toString();
    if (!name.matches("[0-9]+") || !Files.isDirectory(entry)) {
      return false;
    }
    try {
      return Long.parseLong(name) >= 0;
    } catch (NumberFormatException e) {
      return false; // above 2^63 - 1, which TensorFlow Serving doesn't take either
    }
  }

  private static long number(Path version) {
    return Long.parseLong(version.getFileName().toString());
  }

  /** What begins with a dot is not finished, or is the file manager's. */
  private static List<Path> entries(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries
          .filter(entry -> !entry.getFileName().toString().startsWith("."))
          .sorted()
          .toList();
    }
  }

  static void requireOurs(Path out) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new InvalidInputException(out + " is a file; name a folder");
    }
    List<String> others =
        entries(out).stream()
            .filter(entry -> !isVersion(entry))
            .map(entry -> entry.getFileName().toString())
            .toList();
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

  /**
   * The version that a folder is or, of a folder of versions, the highest.
   *
   * @throws InvalidInputException if there is no SavedModel
   */
  static Path find(Path folder) throws IOException {
    if (Files.isDirectory(folder)
        && !Files.exists(folder.resolve(SavedModelFile.NAME))
        && !Files.exists(folder.resolve(Manifest.NAME))) {
      Optional<Path> highest = highest(folder);
      if (highest.isPresent()) {
        return find(highest.get());
      }
    }
    if (!Files.isRegularFile(folder.resolve(SavedModelFile.NAME))) {
      throw new InvalidInputException(
          "%s: no SavedModel there, %s is missing".formatted(folder, SavedModelFile.NAME));
    }
    return folder;
  }
}
