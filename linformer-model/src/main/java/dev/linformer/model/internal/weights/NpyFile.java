package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.RegularFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * A NumPy array read from an {@code .npy} file: floats or integers, whose values come in row-major
 * order whichever the file has.
 *
 * <p>Read are versions 1.0 to 3.0 with floats of 2, 4 or 8 bytes, integers of 1 to 8 bytes with
 * sign or without, and booleans, as 0 and 1; in either order of bytes. Doubles are rounded to
 * float32; a float or integer outside the range of float32 or int32 is refused. The format is that
 * of numpy.lib.format.
 */
public final class NpyFile {
  private final Path file;
  private final NpyHeader header;
  private final float[] floats;
  private final int[] ints;

  private NpyFile(Path file, NpyHeader header) {
    int size = (int) header.shape().size();
    this.file = file;
    this.header = header;
    this.floats = new float[header.isInteger() ? 0 : size];
    this.ints = new int[header.isInteger() ? size : 0];
  }

  /**
   * Reads a whole file.
   *
   * @throws InvalidInputException if there is none or it is no such array; names the file and how
   *     to save one
   * @throws IOException if the file cannot be read
   */
  public static NpyFile read(Path file) throws IOException {
    RegularFile.require("", file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      FileBytes.ByteSource source = FileBytes.from(channel, 0);
      NpyHeader header = NpyHeader.read(file, source, channel.size());
      NpyFile array = new NpyFile(file, header);
      if (header.isInteger()) {
        array.readInts(source);
      } else {
        readFloats(header, source, DataBuffers.of(array.floats, false, false));
      }
      return array;
    } catch (ArithmeticException e) {
      throw NpyHeader.invalid(file, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Reads floats into row-major order.
   *
   * @param source at the values
   * @throws ArithmeticException as {@link FloatType#read}
   */
  static void readFloats(NpyHeader header, FileBytes.ByteSource source, FloatDataBuffer into)
      throws IOException {
    if (!header.fortranOrder()) {
      header.floatType().read(source, header.order(), into);
      return;
    }
    float[] values = new float[(int) header.shape().size()];
    header.floatType().read(source, header.order(), DataBuffers.of(values, false, false));
    FortranOrder places = new FortranOrder(header.shape().asArray());
    for (float value : values) {
      into.setFloat(value, places.next());
    }
  }

  private void readInts(FileBytes.ByteSource source) throws IOException {
    int itemSize = header.itemSize();
    int most = Math.min(ints.length, FileBytes.CHUNK / itemSize);
    ByteBuffer bytes = FileBytes.littleEndian(most * itemSize).order(header.order());
    FortranOrder places = new FortranOrder(header.shape().asArray());
    for (int done = 0; done < ints.length; ) {
      int end = done + Math.min(most, ints.length - done);
      source.fill(bytes.clear().limit((end - done) * itemSize));
      for (; done < end; done++) {
        int place = header.fortranOrder() ? places.next() : done;
        ints[place] = integer(bytes, place);
      }
    }
  }

  private int integer(ByteBuffer bytes, int index) {
    if (header.isBoolean()) {
      return bytes.get() == 0 ? 0 : 1;
    }
    boolean unsigned = header.isUnsigned();
    return switch (header.itemSize()) {
      case 1 -> unsigned ? Byte.toUnsignedInt(bytes.get()) : bytes.get();
      case 2 -> unsigned ? bytes.getChar() : bytes.getShort();
      case 4 -> unsigned ? narrow(Integer.toUnsignedLong(bytes.getInt()), index) : bytes.getInt();
      default -> narrow(bytes.getLong(), index);
    };
  }

  private int narrow(long value, int index) {
    boolean above = header.isUnsigned() && value < 0;
    if (above || value != (int) value) {
      throw NpyHeader.invalid(
          file,
          "has %s as element %s, outside the range of int32"
              .formatted(
                  header.isUnsigned() ? Long.toUnsignedString(value) : Long.toString(value),
                  index));
    }
    return (int) value;
  }

  /** Axes of the array; a scalar has none. */
  public Shape shape() {
    return header.shape();
  }

  /** Whether the values are booleans, which {@link #ints()} holds as 0 and 1. */
  public boolean isBoolean() {
    return header.isBoolean();
  }

  /** Whether {@link #ints()} holds the values; otherwise {@link #floats()} does. */
  public boolean isInteger() {
    return header.isInteger();
  }

  /**
   * The values in row-major order; the array itself, not a copy.
   *
   * @throws InvalidInputException if the file holds integers
   */
  public float[] floats() {
    if (isInteger()) {
      throw NpyHeader.invalid(
          file,
          "holds integers, and floats are needed: save it with numpy.save(path,"
              + " x.astype('float32'))");
    }
    return floats;
  }

  /**
   * The values in row-major order; the array itself, not a copy.
   *
   * @throws InvalidInputException if the file holds floats
   */
  public int[] ints() {
    if (!isInteger()) {
      throw NpyHeader.invalid(
          file,
          "holds floats, and integers are needed: save it with numpy.save(path,"
              + " x.astype('int32'))");
    }
    return ints;
  }

  /**
   * Writes version 1.0 with dtype {@code <f4}; the file appears whole or not at all.
   *
   * @param values in row-major order, as many as the shape has
   * @throws InvalidInputException if shape and values disagree
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, Shape shape, float[] values) throws IOException {
    if (shape.hasUnknownDimension() || shape.size() != values.length) {
      throw NpyHeader.invalid(file, "not written: " + values.length + " values for shape " + shape);
    }
    AtomicFile.write(
        file,
        channel -> {
          FileBytes.drain(new NpyHeader(shape, "<f4", false).toBytes(), channel);
          FileBytes.drain(DataBuffers.of(values, true, false), channel);
        });
  }
}
