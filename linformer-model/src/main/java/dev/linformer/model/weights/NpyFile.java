package dev.linformer.model.weights;

import dev.linformer.model.InvalidInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/**
 * A NumPy array read from an {@code .npy} file: floats or integers in row-major order.
 *
 * <p>Read are versions 1.0 and 2.0 with dtype {@code <f4}, {@code <f8}, {@code <i4} or {@code <i8},
 * or booleans, {@code |b1}, as 0 and 1. Eight-byte elements are narrowed to four; a value outside
 * their range is refused. The format is that of numpy.lib.format.
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
      long size = channel.size();
      ByteBuffer start = FileBytes.littleEndian((int) Math.min(size, NpyHeader.START));
      FileBytes.fill(channel, 0, start);
      NpyHeader header = NpyHeader.parse(file, start, size);
      NpyFile array = new NpyFile(file, header);
      array.readValues(channel, size - header.dataBytes());
      return array;
    }
  }

  private void readValues(FileChannel channel, long begin) throws IOException {
    int itemSize = header.itemSize();
    int total = (int) header.shape().size();
    int most = Math.min(total, FileBytes.CHUNK / itemSize);
    ByteBuffer bytes = FileBytes.littleEndian(most * itemSize);
    for (int done = 0; done < total; ) {
      int end = done + Math.min(most, total - done);
      bytes.clear().limit((end - done) * itemSize);
      FileBytes.fill(channel, begin + (long) done * itemSize, bytes);
      for (; done < end; done++) {
        switch (header.dtype()) {
          case "<f4" -> floats[done] = bytes.getFloat();
          case "<f8" -> floats[done] = narrow(bytes.getDouble(), done);
          case "|b1" -> ints[done] = bytes.get() == 0 ? 0 : 1;
          case "<i4" -> ints[done] = bytes.getInt();
          default -> ints[done] = narrow(bytes.getLong(), done);
        }
      }
    }
  }

  private float narrow(double value, int index) {
    float narrowed = (float) value;
    if (Float.isInfinite(narrowed) && !Double.isInfinite(value)) {
      throw NpyHeader.invalid(
          file, "has " + value + " as element " + index + ", outside the range of float32");
    }
    return narrowed;
  }

  private int narrow(long value, int index) {
    if (value != (int) value) {
      throw NpyHeader.invalid(
          file, "has " + value + " as element " + index + ", outside the range of int32");
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
    WholeFile.write(
        file,
        channel -> {
          FileBytes.drain(new NpyHeader(shape, "<f4").toBytes(), channel);
          FileBytes.drain(DataBuffers.of(values, true, false), channel);
        });
  }
}
