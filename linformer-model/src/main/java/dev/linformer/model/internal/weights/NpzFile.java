package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.text.PrintableText;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * Named arrays in a NumPy archive, of {@code numpy.savez} or {@code savez_compressed}: a zip file
 * with an {@code .npy} file a tensor.
 */
public final class NpzFile implements TensorFile {
  private static final String SUFFIX = ".npy";

  private final Path file;
  private final Archive archive;
  private final Map<String, Array> arrays;

  /** An array by its place in the archive. */
  private record Array(ZipEntry entry, NpyHeader header) {}

  private NpzFile(Path file, Archive archive, Map<String, Array> arrays) {
    this.file = file;
    this.archive = archive;
    this.arrays = arrays;
  }

  /**
   * Opens an archive and reads every array's header.
   *
   * @throws InvalidInputException naming the file and what is wrong in it, or that there is none
   * @throws IOException if the file cannot be read
   */
  public static NpzFile open(Path file) throws IOException {
    Archive archive = Archive.open(file);
    try {
      Map<String, Array> arrays = new LinkedHashMap<>();
      for (ZipEntry entry : archive.entries().values()) {
        String name = entry.getName();
        if (!name.endsWith(SUFFIX)) {
          throw archive.invalid(
              name, "is no .npy file: save the tensors with numpy.savez(path, **tensors)");
        }
        NpyHeader header = header(file, archive, entry);
        arrays.put(name.substring(0, name.length() - SUFFIX.length()), new Array(entry, header));
      }
      return new NpzFile(file, archive, Collections.unmodifiableMap(arrays));
    } catch (IOException | RuntimeException e) {
      archive.close();
      throw e;
    }
  }

  private static NpyHeader header(Path file, Archive archive, ZipEntry entry) throws IOException {
    String name = "%s: entry '%s'".formatted(file, PrintableText.excerpt(entry.getName()));
    try (InputStream stream = archive.stream(entry)) {
      return NpyHeader.read(name, FileBytes.from(stream), entry.getSize());
    } catch (EOFException | ZipException e) {
      throw archive.damaged(entry);
    }
  }

  @Override
  public Set<String> names() {
    return arrays.keySet();
  }

  @Override
  public Shape shape(String name) {
    return array(name).header.shape();
  }

  @Override
  public void read(String name, FloatDataBuffer into) throws IOException {
    Array array = array(name);
    NpyHeader header = array.header;
    String entry = array.entry.getName();
    if (header.isInteger()) {
      throw archive.invalid(
          entry, "holds integers, and floats are needed: save x.astype('float32')");
    }
    if (into.size() != header.shape().size()) {
      throw archive.invalid(
          entry,
          "has %s values (shape %s), where %s are asked for"
              .formatted(header.shape().size(), header.shape(), into.size()));
    }
    try (CheckedInputStream stream =
        new CheckedInputStream(archive.stream(array.entry), new CRC32())) {
      stream.skipNBytes(array.entry.getSize() - header.dataBytes());
      NpyFile.readFloats(header, FileBytes.from(stream), into);
      if (stream.read() >= 0 || stream.getChecksum().getValue() != array.entry.getCrc()) {
        throw archive.invalid(
            entry, "is damaged, its checksum is another: copy or save the file again");
      }
    } catch (ArithmeticException e) {
      throw archive.invalid(entry, String.valueOf(e.getMessage()));
    } catch (EOFException | ZipException e) {
      throw archive.damaged(array.entry);
    }
  }

  private Array array(String name) {
    Array array = arrays.get(name);
    if (array == null) {
      throw new InvalidInputException(
          "%s: has no array '%s' among its %s"
              .formatted(file, PrintableText.excerpt(name), arrays.size()));
    }
    return array;
  }

  @Override
  public void close() throws IOException {
    archive.close();
  }
}
