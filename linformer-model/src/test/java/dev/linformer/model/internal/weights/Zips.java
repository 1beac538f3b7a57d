package dev.linformer.model.internal.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.tensorflow.ndarray.Shape;

/** Archives put together by hand. */
public final class Zips {

  private Zips() {}

  /** Writes entries with the given content, compressed or not. */
  public static Path write(Path file, Map<String, byte[]> entries, boolean compressed)
      throws IOException {
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> each : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(each.getKey());
        if (!compressed) {
          CRC32 checksum = new CRC32();
          checksum.update(each.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(each.getValue().length);
          entry.setCrc(checksum.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(each.getValue());
      }
    }
    return file;
  }

  /** The bytes of an .npy file. */
  public static byte[] npy(Path folder, Shape shape, float... values) throws IOException {
    Path file = folder.resolve("one.npy");
    NpyFile.write(file, shape, values);
    try {
      return Files.readAllBytes(file);
    } finally {
      Files.delete(file);
    }
  }
}
