package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileBytes;
import dev.linformer.io.internal.FileProblem;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.io.internal.text.PrintableText;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * A zip file from a stranger. No entry is larger than its compressed bytes can make it, no two
 * overlap, and no two have one name.
 */
final class Archive implements Closeable {
  /** What deflate makes of a byte at best. */
  private static final int MOST_INFLATED = 1032;

  private final Path file;
  private final ZipFile zip;
  private final Map<String, ZipEntry> entries;
  private final Set<String> verified = new HashSet<>();

  private Archive(Path file, ZipFile zip, Map<String, ZipEntry> entries) {
    this.file = file;
    this.zip = zip;
    this.entries = entries;
  }

  /**
   * Opens an archive and checks what it says of its entries.
   *
   * @throws InvalidInputException if there is none, if it is no zip file, or says what cannot be
   * @throws IOException if the file cannot be read
   */
  static Archive open(Path file) throws IOException {
    RegularFile.require("", file);
    ZipFile zip;
    try {
      zip = new ZipFile(file.toFile());
    } catch (EOFException | ZipException e) {
      throw new InvalidInputException(
          "%s: no zip archive, or a damaged one (%s)".formatted(file, FileProblem.words(e)), e);
    }
    try {
      return new Archive(file, zip, entries(file, zip));
    } catch (IOException | RuntimeException e) {
      zip.close();
      throw e;
    }
  }

  private static Map<String, ZipEntry> entries(Path file, ZipFile zip) throws IOException {
    Map<String, ZipEntry> entries = new LinkedHashMap<>();
    long left = Files.size(file);
    var all = zip.entries();
    while (all.hasMoreElements()) {
      ZipEntry entry = all.nextElement();
      String name = entry.getName();
      if (entries.put(name, entry) != null) {
        throw invalid(file, name, "stands there twice");
      }
      long compressed = entry.getCompressedSize();
      if (compressed > left) {
        throw invalid(file, name, "overlaps another or runs past the end of the archive");
      }
      left -= compressed;
      boolean possible =
          entry.getMethod() == ZipEntry.STORED
              ? entry.getSize() == compressed
              : entry.getSize() <= MOST_INFLATED * compressed;
      if (!possible) {
        throw invalid(
            file,
            name,
            "cannot hold %s bytes in %s compressed ones".formatted(entry.getSize(), compressed));
      }
    }
    return Collections.unmodifiableMap(entries);
  }

  /** All entries by name, in the archive's order. */
  Map<String, ZipEntry> entries() {
    return entries;
  }

  /** The entry of a name, if there is one. */
  @Nullable ZipEntry entry(String name) {
    return entries.get(name);
  }

  /** An entry's bytes; to be closed by the caller. */
  InputStream stream(ZipEntry entry) throws IOException {
    return zip.getInputStream(entry);
  }

  /**
   * Compares an entry's bytes with its checksum, once; the first time reads all of it.
   *
   * @throws InvalidInputException if they differ
   */
  void verify(ZipEntry entry) throws IOException {
    if (!verified.add(entry.getName())) {
      return;
    }
    CRC32 checksum = new CRC32();
    byte[] bytes = new byte[(int) Math.min(entry.getSize(), FileBytes.CHUNK)];
    try (InputStream stream = stream(entry)) {
      for (int count = stream.read(bytes); count > 0; count = stream.read(bytes)) {
        checksum.update(bytes, 0, count);
      }
    } catch (EOFException | ZipException e) {
      throw damaged(entry);
    }
    if (checksum.getValue() != entry.getCrc()) {
      throw invalid(
          entry.getName(), "is damaged, its checksum is another: copy or save the file again");
    }
  }

  /** The error for an entry whose bytes cannot be had. */
  InvalidInputException damaged(ZipEntry entry) {
    return invalid(entry.getName(), "is damaged: copy or save the file again");
  }

  /** The error for an entry that is no good. */
  InvalidInputException invalid(String entry, String problem) {
    return invalid(file, entry, problem);
  }

  private static InvalidInputException invalid(Path file, String entry, String problem) {
    return new InvalidInputException(
        "%s: entry '%s' %s".formatted(file, PrintableText.excerpt(entry), problem));
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
