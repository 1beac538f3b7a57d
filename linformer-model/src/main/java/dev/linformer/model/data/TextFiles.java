package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.RegularFile;
import java.io.IOException;
import java.nio.CharBuffer;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.zip.CRC32C;

/** Text files, read once from end to end without being held in memory. */
final class TextFiles {

  private static final int CHUNK = 1 << 20;

  /** Hears a text, a million characters or less at a time. */
  interface TextReader {
    void text(String part) throws IOException;
  }

  /**
   * A file's text.
   *
   * @param mark bytes before it, of a byte-order mark
   * @param size in bytes, unpacked
   */
  record Part(Path file, int mark, long size) {}

  /**
   * What was read.
   *
   * @param bytes of all files together
   * @param crc32c of all files one behind the other
   */
  record Survey(List<Part> files, long bytes, long crc32c) {}

  private TextFiles() {}

  /**
   * The files that paths stand for: a folder for all files in it and below, in the order of their
   * names, but those whose names begin with a dot. Links are followed.
   *
   * @throws InvalidInputException if there is nothing at a path, or no file, or in a folder
   *     something that is none
   */
  static List<Path> expand(List<String> paths) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String text : paths) {
      Path path = DataFile.path(text);
      RegularFile.requireFileOrFolder("--data", path);
      if (Files.isDirectory(path)) {
        Folder folder = new Folder(path);
        Files.walkFileTree(
            path, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, folder);
        files.addAll(folder.files.stream().sorted().toList());
      } else {
        files.add(path);
      }
    }
    if (files.isEmpty()) {
      throw new InvalidInputException(
          "--data %s: no file there to learn from; hidden ones don't count"
              .formatted(String.join(" ", paths)));
    }
    return files;
  }

  /** Collects a folder's files. */
  private static final class Folder extends SimpleFileVisitor<Path> {
    private final Path root;
    private final List<Path> files = new ArrayList<>();

    Folder(Path root) {
      this.root = root;
    }

    private boolean isHidden(Path path) {
      return !path.equals(root) && path.getFileName().toString().startsWith(".");
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
      return isHidden(folder) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
      if (!isHidden(file)) {
        if (attributes.isSymbolicLink()) { // that could not be followed
          throw new InvalidInputException("--data " + file + ": a link to nothing; remove it");
        }
        if (!attributes.isRegularFile()) {
          throw RegularFile.special("--data", file);
        }
        files.add(file);
      }
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult visitFileFailed(Path file, IOException e) {
      if (!isHidden(file)) {
        if (e instanceof FileSystemLoopException) {
          throw new InvalidInputException(
              "--data %s: a link to a folder that it lies in; remove it".formatted(file), e);
        }
        throw DataFile.unreadable(file, e);
      }
      return FileVisitResult.CONTINUE;
    }
  }

  /**
   * Reads files to their ends.
   *
   * @param reader hears every file's text; parts end behind a line where there is one
   * @throws InvalidInputException if all files are empty, or one cannot be read or is not in UTF-8,
   *     with the place
   */
  static Survey read(List<Path> files, TextReader reader) throws IOException {
    CRC32C crc = new CRC32C();
    List<Part> parts = new ArrayList<>();
    long bytes = 0;
    for (Path file : files) {
      try (DataReader text = new DataReader(file, crc)) {
        read(text, reader);
        parts.add(new Part(file, text.mark(), text.size()));
        bytes += text.size();
      }
    }
    if (bytes == 0) {
      throw new InvalidInputException(
          "--data %s: empty, there is nothing to learn from".formatted(files.get(0)));
    }
    return new Survey(parts, bytes, crc.getValue());
  }

  private static void read(DataReader text, TextReader reader) throws IOException {
    CharBuffer chars = CharBuffer.allocate(CHUNK);
    boolean end = false;
    while (!end) {
      while (chars.hasRemaining() && !end) {
        end = text.read(chars) < 0;
      }
      pass(chars, end, reader);
    }
  }

  /** Hands on all whole lines, at the end all there is; what is left stays in the buffer. */
  private static void pass(CharBuffer chars, boolean end, TextReader reader) throws IOException {
    String text = chars.flip().toString();
    int line = text.lastIndexOf('\n') + 1;
    int cut = end || line == 0 ? text.length() : line;
    if (cut > 0 && !end && Character.isHighSurrogate(text.charAt(cut - 1))) {
      cut--;
    }
    if (cut > 0) {
      reader.text(text.substring(0, cut));
    }
    chars.clear();
    chars.put(text, cut, text.length());
  }
}
