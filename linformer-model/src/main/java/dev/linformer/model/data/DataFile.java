package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileProblem;
import dev.linformer.io.internal.text.PrintableText;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** A file of examples: its bytes, unpacked where it is gzip. */
final class DataFile {

  private static final int BUFFER = 1 << 16;
  private static final int GZIP = 0x8b1f;

  private DataFile() {}

  /** A path that was given as a text. */
  static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new InvalidInputException(
          "--data %s: no path".formatted(PrintableText.excerpt(text)), e);
    }
  }

  /** What reading a file threw. */
  static InvalidInputException unreadable(Path file, IOException e) {
    return new InvalidInputException(
        "--data %s: cannot be read: %s".formatted(file, FileProblem.words(e)), e);
  }

  /** Whether the file is gzip, by its first two bytes. */
  static boolean isPacked(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return isGzip(in.readNBytes(2));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static boolean isGzip(byte[] head) {
    return head.length == 2 && (Byte.toUnsignedInt(head[1]) << 8 | head[0]) == GZIP;
  }

  /** The bytes of a regular file, to be read without a buffer around. */
  static InputStream open(Path file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file), BUFFER);
    try {
      in.mark(2);
      boolean packed = isGzip(in.readNBytes(2));
      in.reset();
      return packed ? new Unpacked(file, in) : in;
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  /** A gzip file of one or more members, to its last byte. */
  private static final class Unpacked extends GZIPInputStream {
    private static final int TRAILER = 8;

    private final Path file;

    Unpacked(Path file, InputStream in) throws IOException {
      super(in, BUFFER);
      this.file = file;
    }

    @Override
    public int read(byte[] into, int at, int count) throws IOException {
      try {
        int read = super.read(into, at, count);
        if (read < 0 && inf.getRemaining() > TRAILER) {
          throw new ZipException("what follows its end is no gzip");
        }
        return read;
      } catch (EOFException e) {
        throw damaged("it is cut off", e);
      } catch (ZipException e) {
        throw damaged(String.valueOf(e.getMessage()), e);
      }
    }

    private InvalidInputException damaged(String how, IOException cause) {
      return new InvalidInputException(
          "--data %s: damaged gzip, %s; try gzip -t on it".formatted(file, how), cause);
    }
  }
}
