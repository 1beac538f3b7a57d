package dev.linformer.model.weights;

import dev.linformer.model.InvalidInputException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.tensorflow.ndarray.Shape;

/**
 * The text before an npy file's values: a Python dictionary of dtype, order and shape.
 *
 * @param dtype one of {@code <f4}, {@code <f8}, {@code <i4}, {@code <i8}, {@code |b1}
 */
record NpyHeader(Shape shape, String dtype) {
  static final String MAGIC = "\u0093NUMPY";

  /** As many bytes from the file's beginning hold the header. */
  static final int START = 12 + (1 << 16);

  private static final int MAX_ELEMENTS = Integer.MAX_VALUE - 8;
  private static final int ALIGNMENT = 64;
  private static final Pattern DTYPE = Pattern.compile("'descr'\\s*:\\s*'(<[fi][48]|\\|b1)'");
  private static final Pattern C_ORDER = Pattern.compile("'fortran_order'\\s*:\\s*False");
  private static final Pattern SHAPE =
      Pattern.compile("'shape'\\s*:\\s*\\(((?:\\s*\\d{1,18}\\s*,)*\\s*(?:\\d{1,18})?\\s*)\\)");

  boolean isBoolean() {
    return dtype.charAt(1) == 'b';
  }

  boolean isInteger() {
    return dtype.charAt(1) == 'i' || isBoolean();
  }

  int itemSize() {
    return dtype.charAt(2) - '0';
  }

  /** Bytes of all values. */
  long dataBytes() {
    return shape.size() * itemSize();
  }

  /**
   * Reads all that stands before the values, which then are the last {@link #dataBytes} bytes.
   *
   * @param file named in messages only
   * @param start the file's first {@link #START} bytes, or all if it has fewer
   * @param size of the whole file
   * @throws InvalidInputException if this is no such array, or is not read here
   */
  static NpyHeader parse(Object file, ByteBuffer start, long size) {
    if (start.limit() < 12 || !latin1(start, 0, MAGIC.length()).equals(MAGIC)) {
      throw invalid(file, "is no .npy file: save it with numpy.save(path, x)");
    }
    int version = start.get(6);
    if (version != 1 && version != 2) {
      throw invalid(
          file,
          "has .npy version " + version + ", read are 1 and 2: save it with numpy.save(path, x)");
    }
    long length = version == 1 ? start.getChar(8) : Integer.toUnsignedLong(start.getInt(8));
    int textBegin = version == 1 ? 10 : 12;
    if (textBegin + length > start.limit()) {
      throw invalid(file, "is truncated or damaged: it names a header of " + length + " bytes");
    }
    NpyHeader header = parse(file, latin1(start, textBegin, (int) length));
    long found = size - textBegin - length;
    if (found != header.dataBytes()) {
      throw invalid(
          file,
          String.format(
              "is %s: shape %s of %s takes %d bytes, and %d follow the header; save it again",
              found < header.dataBytes() ? "truncated" : "too long",
              header.shape,
              header.dtype,
              header.dataBytes(),
              found));
    }
    return header;
  }

  private static String latin1(ByteBuffer bytes, int begin, int count) {
    return StandardCharsets.ISO_8859_1.decode(bytes.slice(begin, count)).toString();
  }

  private static NpyHeader parse(Object file, String text) {
    Matcher dtype = DTYPE.matcher(text);
    if (!dtype.find()) {
      throw invalid(
          file,
          "holds neither floats nor integers of 4 or 8 bytes, little-endian: save it with"
              + " numpy.save(path, x.astype('float32')) or x.astype('int32'); its header: "
              + text.strip());
    }
    if (!C_ORDER.matcher(text).find()) {
      throw invalid(
          file, "is not in C order: save it with numpy.save(path, numpy.ascontiguousarray(x))");
    }
    Matcher shape = SHAPE.matcher(text);
    if (!shape.find()) {
      throw invalid(file, "has a damaged header, without a shape: " + text.strip());
    }
    long[] axes =
        Pattern.compile(",")
            .splitAsStream(shape.group(1))
            .map(String::strip)
            .filter(axis -> !axis.isEmpty())
            .mapToLong(Long::parseLong)
            .toArray();
    long size = 1;
    for (long axis : axes) {
      if (axis > MAX_ELEMENTS / Math.max(size, 1)) {
        throw invalid(
            file,
            String.format("has shape %s, above %d elements", Arrays.toString(axes), MAX_ELEMENTS));
      }
      size *= axis;
    }
    return new NpyHeader(Shape.of(axes), dtype.group(1));
  }

  /** Everything before the values, in version 1.0: a multiple of 64 bytes. */
  ByteBuffer toBytes() {
    String axes =
        LongStream.of(shape.asArray())
            .mapToObj(Long::toString)
            .collect(Collectors.joining(", ", "(", shape.numDimensions() == 1 ? ",)" : ")"));
    String text =
        String.format("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", dtype, axes);
    int prefix = MAGIC.length() + 4;
    int size = (prefix + text.length() + ALIGNMENT) / ALIGNMENT * ALIGNMENT; // with the newline
    ByteBuffer bytes = FileBytes.littleEndian(size);
    bytes.put(MAGIC.getBytes(StandardCharsets.ISO_8859_1)).put((byte) 1).put((byte) 0);
    bytes.putShort((short) (size - prefix)).put(text.getBytes(StandardCharsets.ISO_8859_1));
    while (bytes.remaining() > 1) {
      bytes.put((byte) ' ');
    }
    return bytes.put((byte) '\n').flip();
  }

  static InvalidInputException invalid(Object file, String problem) {
    return new InvalidInputException(file + " " + problem);
  }
}
