package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.io.internal.text.PrintableText;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * The text of a file in UTF-8, gzip or not, without the byte-order mark it may begin with. What is
 * no UTF-8 is refused with the place.
 */
final class DataReader extends Reader {

  private static final int CHUNK = 1 << 16;
  private static final int HEAD = 1024;

  private final Path file;
  private final InputStream in;
  private final CRC32C crc;
  private final int mark;
  private final ByteBuffer bytes = ByteBuffer.allocate(CHUNK).limit(0);
  private final CharBuffer chars = CharBuffer.allocate(CHUNK).limit(0);
  private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
  private long decoded;
  private long line = 1;
  private boolean afterReturn;
  private boolean ended;

  /**
   * @param crc gets all bytes of the text
   * @throws InvalidInputException if the file is in UTF-16 or UTF-32, cannot be read or is no file
   */
  DataReader(Path file, CRC32C crc) {
    RegularFile.require("--data", file);
    this.file = file;
    this.crc = crc;
    try {
      in = new BufferedInputStream(DataFile.open(file), CHUNK);
      in.mark(HEAD);
      byte[] head = in.readNBytes(HEAD);
      in.reset();
      mark = begins(head, 0xef, 0xbb, 0xbf) ? 3 : 0;
      in.skipNBytes(mark);
      refuseWide(head);
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
  }

  private static boolean begins(byte[] head, int... with) {
    for (int i = 0; i < with.length; i++) {
      if (i >= head.length || Byte.toUnsignedInt(head[i]) != with[i]) {
        return false;
      }
    }
    return true;
  }

  private void refuseWide(byte[] head) throws IOException {
    boolean wide = begins(head, 0xff, 0xfe, 0, 0) || begins(head, 0, 0, 0xfe, 0xff);
    boolean marked = begins(head, 0xff, 0xfe) || begins(head, 0xfe, 0xff);
    if (wide || marked || everyOtherIsZero(head)) {
      in.close();
      String encoding = wide ? "UTF-32" : "UTF-16";
      throw new InvalidInputException(
          "--data %s: in %s, but UTF-8 is expected; convert it, for example with iconv -f %s -t UTF-8"
              .formatted(file, encoding, encoding));
    }
  }

  /** UTF-16 of Latin letters without a mark, which looks like UTF-8 with many zeros. */
  private static boolean everyOtherIsZero(byte[] head) {
    int[] zeros = new int[2];
    for (int i = 0; i < head.length; i++) {
      zeros[i % 2] += head[i] == 0 ? 1 : 0;
    }
    return Math.min(zeros[0], zeros[1]) == 0 && Math.max(zeros[0], zeros[1]) > head.length / 4;
  }

  /** Bytes of the mark at the file's beginning, which are no text. */
  int mark() {
    return mark;
  }

  /** Bytes of the text that is read. */
  long size() {
    return decoded;
  }

  @Override
  public int read(char[] into, int at, int count) throws IOException {
    while (!chars.hasRemaining()) {
      if (!decode()) {
        return -1;
      }
    }
    int part = Math.min(count, chars.remaining());
    chars.get(into, at, part);
    return part;
  }

  /** Decodes what is there, or reads more; false at the end. */
  private boolean decode() {
    int from = bytes.position();
    CoderResult result = decoder.decode(bytes, chars.clear(), ended);
    decoded += bytes.position() - from;
    chars.flip();
    countLines(chars.duplicate());
    if (chars.hasRemaining()) { // before what may be wrong behind
      return true;
    }
    if (result.isError()) {
      throw notUtf8(bytes.get(bytes.position()));
    }
    if (!ended) {
      fill();
      return true;
    }
    return false;
  }

  private void fill() {
    bytes.compact();
    int fresh = bytes.position();
    try {
      int read = in.read(bytes.array(), fresh, bytes.remaining());
      ended = read < 0;
      bytes.position(fresh + Math.max(0, read));
      crc.update(bytes.array(), fresh, Math.max(0, read));
    } catch (IOException e) {
      throw DataFile.unreadable(file, e);
    }
    bytes.flip();
  }

  private void countLines(CharBuffer fresh) {
    while (fresh.hasRemaining()) {
      char each = fresh.get();
      line += each == '\r' || (each == '\n' && !afterReturn) ? 1 : 0;
      afterReturn = each == '\r';
    }
  }

  private InvalidInputException notUtf8(byte value) {
    boolean control = Byte.toUnsignedInt(value) < 0xa0; // what Latin-1 has no letter for
    String name = control ? "CP1252" : "LATIN1";
    String letter = new String(new byte[] {value}, Charset.forName("windows-1252"));
    return new InvalidInputException(
        String.format(
            Locale.ROOT,
            "--data %s: not in UTF-8 at byte %s; convert it, for example with iconv -f %s -t UTF-8 (line %s: byte 0x%02x, in %s %s)",
            file,
            mark + decoded,
            name,
            line,
            value,
            name,
            PrintableText.excerpt(letter)));
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
