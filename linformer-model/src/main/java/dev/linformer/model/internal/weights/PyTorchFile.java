package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.io.internal.text.PrintableText;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * A state dictionary that {@code torch.save} of PyTorch 1.6 or newer wrote: a zip file with a
 * pickle that describes the tensors, and a record of plain values for each storage. Nothing in the
 * pickle is executed but what {@link TensorUnpickler} allows.
 */
public final class PyTorchFile implements TensorFile {
  private static final String PICKLE = "/data.pkl";
  private static final int MAX_PICKLE = 1 << 23;
  private static final int MAX_VALUES = Integer.MAX_VALUE - 8;

  private final Path file;
  private final Archive archive;
  private final String root;
  private final Map<String, StridedTensor> tensors;

  private PyTorchFile(Path file, Archive archive, String root, Map<String, StridedTensor> tensors) {
    this.file = file;
    this.archive = archive;
    this.root = root;
    this.tensors = tensors;
  }

  /**
   * Opens a file, reads its pickle, and checks that every tensor lies in a record of the archive.
   *
   * @throws InvalidInputException naming the file and what is wrong in it, or that there is none
   * @throws IOException if the file cannot be read
   */
  public static PyTorchFile open(Path file) throws IOException {
    refuseOtherFormats(file);
    Archive archive = Archive.open(file);
    try {
      List<String> pickles =
          archive.entries().keySet().stream().filter(name -> name.endsWith(PICKLE)).toList();
      if (pickles.size() != 1) {
        throw new InvalidInputException(
            "%s: is not of torch.save: one entry …%s is expected, found %s"
                .formatted(file, PICKLE, pickles.size()));
      }
      String root = pickles.get(0).substring(0, pickles.get(0).length() - PICKLE.length());
      if (!text(archive, root + "/byteorder", "little").equals("little")) {
        throw archive.invalid(
            root + "/byteorder", "says big-endian, and only little-endian files are read");
      }
      byte[] pickle = bytes(archive, pickles.get(0), MAX_PICKLE);
      PyTorchFile opened =
          new PyTorchFile(
              file, archive, root, Collections.unmodifiableMap(TensorUnpickler.read(file, pickle)));
      opened.tensors.values().forEach(opened::checkRecord);
      return opened;
    } catch (IOException | RuntimeException e) {
      archive.close();
      throw e;
    }
  }

  private static void refuseOtherFormats(Path file) throws IOException {
    RegularFile.require("", file);
    byte[] start;
    try (InputStream stream = Files.newInputStream(file)) {
      start = stream.readNBytes(2);
    }
    if (start.length == 2 && start[0] == (byte) 0x80) { // a bare pickle begins so
      throw new InvalidInputException(
          file
              + ": is in PyTorch's format of before 1.6; in Python:"
              + " torch.save(torch.load(path), path)");
    }
  }

  private static String text(Archive archive, String name, String absent) throws IOException {
    return archive.entry(name) == null
        ? absent
        : new String(bytes(archive, name, 64), StandardCharsets.UTF_8).strip();
  }

  private static byte[] bytes(Archive archive, String name, int most) throws IOException {
    ZipEntry entry = stored(archive, name);
    if (entry.getSize() > most) {
      throw archive.invalid(
          name, "has %s bytes, above the limit of %s".formatted(entry.getSize(), most));
    }
    verify(archive, entry);
    try (InputStream stream = archive.stream(entry)) {
      return stream.readNBytes(most);
    } catch (ZipException e) {
      throw archive.damaged(entry);
    }
  }

  private static ZipEntry stored(Archive archive, String name) {
    ZipEntry entry = archive.entry(name);
    if (entry == null) {
      throw archive.invalid(name, "is missing: the file is incomplete, copy or save it again");
    }
    if (entry.getMethod() != ZipEntry.STORED) {
      throw archive.invalid(
          name, "is compressed, which torch.save never does: save it again with torch.save");
    }
    return entry;
  }

  /** Newer versions of PyTorch can be told to write 0 in place of checksums. */
  private static void verify(Archive archive, ZipEntry entry) throws IOException {
    if (entry.getCrc() != 0) {
      archive.verify(entry);
    }
  }

  private ZipEntry recordOf(StridedTensor tensor) {
    return stored(archive, root + "/data/" + tensor.storage().key());
  }

  private void checkRecord(StridedTensor tensor) {
    ZipEntry entry = recordOf(tensor);
    StridedTensor.Storage storage = tensor.storage();
    if (entry.getSize() % storage.type().bytes() != 0
        || entry.getSize() / storage.type().bytes() != storage.size()) {
      throw archive.invalid(
          entry.getName(),
          "has %s bytes, but %s values of %s are expected"
              .formatted(entry.getSize(), storage.size(), storage.type()));
    }
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public Shape shape(String name) {
    return tensor(name).shape();
  }

  @Override
  public void read(String name, FloatDataBuffer into) throws IOException {
    StridedTensor tensor = tensor(name);
    if (into.size() != tensor.shape().size()) {
      throw invalid(
          name,
          "has %s values (shape %s), where %s are asked for"
              .formatted(tensor.shape().size(), tensor.shape(), into.size()));
    }
    if (into.size() == 0) {
      return;
    }
    FloatType type = tensor.storage().type();
    ZipEntry entry = recordOf(tensor);
    verify(archive, entry);
    try (InputStream stream = archive.stream(entry)) {
      stream.skipNBytes(tensor.offset() * type.bytes());
      if (tensor.contiguous()) {
        type.read(FileBytes.from(stream), into);
        return;
      }
      if (tensor.span() > MAX_VALUES || into.size() > MAX_VALUES) {
        throw invalid(name, "is too large for its strides: save tensor.contiguous()");
      }
      float[] span = new float[(int) tensor.span()];
      type.read(FileBytes.from(stream), DataBuffers.of(span, false, false));
      into.write(tensor.gather(span));
    } catch (ArithmeticException e) {
      throw invalid(name, String.valueOf(e.getMessage()));
    } catch (EOFException | ZipException e) {
      throw archive.damaged(entry);
    }
  }

  private StridedTensor tensor(String name) {
    StridedTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new InvalidInputException(
          "%s: has no tensor '%s' among its %s"
              .formatted(file, PrintableText.excerpt(name), tensors.size()));
    }
    return tensor;
  }

  private InvalidInputException invalid(String name, String problem) {
    return new InvalidInputException(
        "%s: tensor '%s' %s".formatted(file, PrintableText.excerpt(name), problem));
  }

  @Override
  public void close() throws IOException {
    archive.close();
  }
}
