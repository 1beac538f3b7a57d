package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.FileProblem;
import dev.linformer.io.internal.text.PrintableText;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.tensorflow.ndarray.Shape;

/**
 * The text before an npy file's values: a Python dictionary of dtype, order and shape.
 *
 * @param dtype as NumPy writes it: order of bytes, kind, and size of a value
 * @param fortranOrder whether the first axis is innermost
 */
record NpyHeader(Shape shape, String dtype, boolean fortranOrder) {
  static final String MAGIC = "\u0093NUMPY";

  /** Bytes of text; NumPy's own limit. */
  private static final int MOST_TEXT = 10_000;

  /** NumPy's own limit. */
  private static final int MOST_AXES = 64;

  private static final int MOST_ELEMENTS = Integer.MAX_VALUE - 8;
  private static final int ALIGNMENT = 64;
  private static final Set<String> KINDS =
      Set.of("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1");

  boolean isBoolean() {
    return dtype.charAt(1) == 'b';
  }

  boolean isUnsigned() {
    return dtype.charAt(1) == 'u';
  }

  boolean isInteger() {
    return dtype.charAt(1) != 'f';
  }

  int itemSize() {
    return dtype.charAt(2) - '0';
  }

  ByteOrder order() {
    return dtype.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
  }

  /** Of an array of floats. */
  FloatType floatType() {
    return switch (itemSize()) {
      case 2 -> FloatType.F16;
      case 4 -> FloatType.F32;
      default -> FloatType.F64;
    };
  }

  /** Bytes of all values. */
  long dataBytes() {
    return shape.size() * itemSize();
  }

  /**
   * Reads all that stands before the values, which then are the last {@link #dataBytes} bytes.
   *
   * @param file named in messages only
   * @param source at the file's beginning; afterwards at its values
   * @param size of the whole file
   * @throws InvalidInputException if this is no such array, or is not read here
   */
  static NpyHeader read(Object file, FileBytes.ByteSource source, long size) throws IOException {
    ByteBuffer start = FileBytes.littleEndian(MAGIC.length() + 4);
    if (size >= start.capacity()) {
      source.fill(start);
    }
    if (size < start.capacity() || !latin1(start.slice(0, MAGIC.length())).equals(MAGIC)) {
      throw invalid(file, "is no .npy file: save it with numpy.save(path, x)");
    }
    int version = start.get(6);
    if (version < 1 || version > 3) {
      throw invalid(
          file,
          "has .npy version " + version + ", read are 1 to 3: save it with numpy.save(path, x)");
    }
    try {
      long length = start.getChar(8);
      long begin = start.capacity();
      if (version > 1) {
        ByteBuffer upper = FileBytes.littleEndian(2);
        source.fill(upper);
        length |= (long) upper.getChar() << 16;
        begin += upper.capacity();
      }
      if (length > MOST_TEXT || begin + length > size) {
        throw invalid(file, "is truncated or damaged: it names a header of " + length + " bytes");
      }
      ByteBuffer text = FileBytes.littleEndian((int) length);
      source.fill(text);
      NpyHeader header = parse(file, latin1(text));
      header.checkSize(file, size - begin - length);
      return header;
    } catch (EOFException e) {
      throw invalid(file, "is truncated or damaged: " + FileProblem.words(e));
    }
  }

  private void checkSize(Object file, long found) {
    if (found != dataBytes()) {
      throw invalid(
          file,
          String.format(
              "is %s: shape %s of %s takes %s bytes, and %s follow the header; save it again",
              found < dataBytes() ? "truncated" : "too long", shape, dtype, dataBytes(), found));
    }
  }

  private static String latin1(ByteBuffer bytes) {
    return StandardCharsets.ISO_8859_1.decode(bytes).toString();
  }

  private static NpyHeader parse(Object file, String text) {
    Map<String, Object> values;
    try {
      values = HeaderDictionary.parse(text);
    } catch (IllegalArgumentException e) {
      throw damaged(file, "with " + e.getMessage(), text);
    }
    String dtype = values.get("descr") instanceof String found ? found : "";
    if (dtype.length() != 3 || "<>|=".indexOf(dtype.charAt(0)) < 0 || !isRead(dtype)) {
      throw invalid(
          file,
          "holds neither floats nor integers of up to 8 bytes: save it with"
              + " numpy.save(path, x.astype('float32')) or x.astype('int32'); its header: "
              + PrintableText.excerpt(text.strip()));
    }
    if (!(values.get("fortran_order") instanceof Boolean fortranOrder)) {
      throw damaged(file, "without fortran_order", text);
    }
    if (!(values.get("shape") instanceof List<?> axes)) {
      throw damaged(file, "without a shape", text);
    }
    return new NpyHeader(shape(file, axes), dtype, fortranOrder);
  }

  private static boolean isRead(String dtype) {
    return KINDS.contains(dtype.substring(1));
  }

  private static Shape shape(Object file, List<?> numbers) {
    if (numbers.size() > MOST_AXES) {
      throw invalid(
          file, "has %s axes, and at most %s are read".formatted(numbers.size(), MOST_AXES));
    }
    long[] axes = numbers.stream().mapToLong(axis -> (Long) axis).toArray();
    long size = 1;
    for (long axis : axes) {
      if (axis > MOST_ELEMENTS / Math.max(size, 1)) {
        throw invalid(
            file,
            String.format("has shape %s, above %s elements", Arrays.toString(axes), MOST_ELEMENTS));
      }
      size *= axis;
    }
    return Shape.of(axes);
  }

  /** Everything before the values, in version 1.0: a multiple of 64 bytes. */
  ByteBuffer toBytes() {
    String axes =
        LongStream.of(shape.asArray())
            .mapToObj(Long::toString)
            .collect(Collectors.joining(", ", "(", shape.numDimensions() == 1 ? ",)" : ")"));
    String text =
        "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }"
            .formatted(dtype, fortranOrder ? "True" : "False", axes);
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

  private static InvalidInputException damaged(Object file, String how, String text) {
    return invalid(
        file,
        "has a damaged header, %s; save it with numpy.save(path, x): %s"
            .formatted(how, PrintableText.excerpt(text.strip())));
  }

  static InvalidInputException invalid(Object file, String problem) {
    return new InvalidInputException(file + " " + problem);
  }
}
