package dev.linformer.model.data;

import dev.linformer.model.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** Text files in UTF-8, read once from end to end without being held in memory. */
final class TextFiles {

  private static final int CHUNK = 1 << 20;

  /** Hears a text, a million characters or less at a time. */
  interface Reader {
    void text(String part) throws IOException;
  }

  /**
   * What was read.
   *
   * @param bytes of all files together
   * @param crc32c of all files one behind the other
   */
  record Survey(List<Path> files, List<Long> sizes, long bytes, long crc32c) {}

  private TextFiles() {}

  /**
   * The files that paths stand for: a folder for all files in it and below, in the order of their
   * names.
   *
   * @throws InvalidInputException if there is nothing at a path, or no file
   */
  static List<Path> expand(List<String> paths) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String text : paths) {
      Path path = Path.of(text);
      if (Files.isDirectory(path)) {
        try (var all = Files.walk(path)) {
          files.addAll(all.filter(Files::isRegularFile).sorted().toList());
        }
      } else if (Files.exists(path)) {
        files.add(path);
      } else {
        throw new InvalidInputException("--data " + path + ": no such file or folder");
      }
    }
    if (files.isEmpty()) {
      throw new InvalidInputException(
          "--data %s: no file there to learn from".formatted(String.join(" ", paths)));
    }
    return files;
  }

  /**
   * Reads files to their ends.
   *
   * @param reader hears every file's text; parts end behind a line where there is one
   * @throws InvalidInputException if all files are empty, or one cannot be read or is not in UTF-8,
   *     with the place
   */
  static Survey read(List<Path> files, Reader reader) throws IOException {
    CRC32C crc = new CRC32C();
    List<Long> sizes = new ArrayList<>();
    long bytes = 0;
    for (Path file : files) {
      long size = read(file, crc, reader);
      sizes.add(size);
      bytes += size;
    }
    if (bytes == 0) {
      throw new InvalidInputException(
          "--data %s: empty, there is nothing to learn from".formatted(files.get(0)));
    }
    return new Survey(files, sizes, bytes, crc.getValue());
  }

  private static long read(Path file, CRC32C crc, Reader reader) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(CHUNK);
    CharBuffer chars = CharBuffer.allocate(2 * CHUNK);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    long decoded = 0;
    try (FileChannel channel = open(file)) {
      boolean end = false;
      while (!end) {
        int fresh = bytes.position();
        end = readFully(channel, bytes, file);
        bytes.flip();
        crc.update(bytes.duplicate().position(fresh));
        CoderResult result = decoder.decode(bytes, chars, end);
        decoded += bytes.position();
        if (result.isError()) {
          throw new InvalidInputException(
              "--data %s: not in UTF-8 at byte %d; convert it, for example with iconv"
                  .formatted(file, decoded));
        }
        bytes.compact();
        pass(chars, end, reader);
      }
    }
    return decoded;
  }

  private static FileChannel open(Path file) {
    try {
      return FileChannel.open(file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Fills the buffer; true at the file's end. */
  private static boolean readFully(FileChannel channel, ByteBuffer bytes, Path file) {
    try {
      while (bytes.hasRemaining()) {
        if (channel.read(bytes) < 0) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static InvalidInputException unreadable(Path file, IOException e) {
    return new InvalidInputException(
        "--data %s: cannot be read (%s: %s)"
            .formatted(file, e.getClass().getSimpleName().replace("Exception", ""), e.getMessage()),
        e);
  }

  /** Hands on all whole lines, at the end all there is; what is left stays in the buffer. */
  private static void pass(CharBuffer chars, boolean end, Reader reader) throws IOException {
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
