package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.io.internal.text.PrintableText;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * Named arrays in a safetensors file, open for reading.
 *
 * <p>The format (huggingface/safetensors): eight bytes with the header's length, little-endian; a
 * JSON header of name, dtype, shape and offsets; then the values, without holes. Nothing in it is
 * executed, and {@link #open} checks all of it before a value is read. Reads name their position,
 * so threads may share a file.
 */
public final class SafetensorsFile implements TensorFile {
  /** The reference's limit on the header, in bytes. */
  static final long MAX_HEADER = 100_000_000;

  private final Path file;
  private final FileChannel channel;
  private final long dataBegin;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path file, FileChannel channel, long dataBegin, SafetensorsHeader h) {
    this.file = file;
    this.channel = channel;
    this.dataBegin = dataBegin;
    this.header = h;
  }

  /**
   * Opens a file and checks its header: JSON, dtypes, shapes, and tensors that cover the data part
   * exactly once.
   *
   * @throws InvalidInputException naming the file and what is wrong in it, or that there is none
   * @throws IOException if the file cannot be read
   */
  public static SafetensorsFile open(Path file) throws IOException {
    RegularFile.require("", file);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      long size = channel.size();
      if (size < Long.BYTES) {
        throw SafetensorsHeader.invalid(
            file, "no safetensors file: " + size + " bytes, its header's length alone takes 8");
      }
      ByteBuffer prefix = FileBytes.littleEndian(Long.BYTES);
      FileBytes.fill(channel, 0, prefix);
      long length = prefix.getLong();
      if (length < 0 || length > MAX_HEADER) {
        throw SafetensorsHeader.invalid(
            file,
            String.format(
                "no safetensors file: it names a header of %s bytes, above the limit of %s",
                Long.toUnsignedString(length), MAX_HEADER));
      }
      if (length > size - Long.BYTES) {
        throw SafetensorsHeader.invalid(
            file,
            String.format(
                "truncated: a header of %s bytes runs past the end of the file, %s bytes long",
                length, size));
      }
      ByteBuffer json = ByteBuffer.allocate((int) length);
      FileBytes.fill(channel, Long.BYTES, json);
      long dataBegin = Long.BYTES + length;
      return new SafetensorsFile(
          file, channel, dataBegin, SafetensorsHeader.parse(file, json.array(), size - dataBegin));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Free texts that the writer left; empty if there are none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Names of the tensors, in the order of their data. */
  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  /**
   * Axes of a tensor; every axis is known.
   *
   * @throws InvalidInputException if the file has no tensor of that name
   */
  @Override
  public Shape shape(String name) {
    return entry(name).shape();
  }

  /**
   * Copies a tensor's values in row-major order.
   *
   * @param into takes exactly as many values as the tensor has
   * @throws InvalidInputException if the file has no such tensor, if its dtype is none of F32, F64,
   *     F16 and BF16, if an F64 is outside float32's range, or if {@code into} has another size
   * @throws IOException if the file cannot be read
   */
  @Override
  public void read(String name, FloatDataBuffer into) throws IOException {
    SafetensorsHeader.TensorEntry entry = entry(name);
    FloatType type =
        FloatType.named(entry.dtype())
            .orElseThrow(
                () ->
                    SafetensorsHeader.invalid(
                        file,
                        String.format(
                            "tensor '%s' has dtype %s, and only floats are read: convert it before"
                                + " it is saved, in Python with tensor.float()",
                            PrintableText.excerpt(name), entry.dtype())));
    long size = entry.shape().size();
    if (into.size() != size) {
      throw SafetensorsHeader.invalid(
          file,
          String.format(
              "tensor '%s' has %s values (shape %s), where %s are asked for",
              PrintableText.excerpt(name), size, entry.shape(), into.size()));
    }
    try {
      type.read(FileBytes.from(channel, dataBegin + entry.begin()), into);
    } catch (ArithmeticException e) {
      throw SafetensorsHeader.invalid(
          file, "tensor '%s' %s".formatted(PrintableText.excerpt(name), e.getMessage()));
    }
  }

  private SafetensorsHeader.TensorEntry entry(String name) {
    SafetensorsHeader.TensorEntry entry = header.entries().get(name);
    if (entry == null) {
      throw SafetensorsHeader.invalid(
          file, "has no tensor '" + PrintableText.excerpt(name) + "' among its " + names().size());
    }
    return entry;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
