package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.io.internal.TextLines;
import java.io.Closeable;
import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.apache.commons.csv.CSVException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a file, each as its cells: comma-separated values as in RFC 4180, or tab-separated
 * ones (IANA's text/tab-separated-values), where a row is a line and a quote is a character like
 * any other. Blank lines are no rows.
 */
final class DelimitedFile implements Closeable {

  /** A text that isn't closed would take the rest of a large file. */
  private static final int LONGEST = 1 << 24;

  private static final List<String> NAMES = List.of(".csv", ".tsv");

  /**
   * A row.
   *
   * @param line where it begins, counted from 1
   */
  record Row(long line, List<String> cells) {}

  private interface ReaderSource {
    /** The next row, blank or not; null behind the last. */
    @Nullable Row next() throws IOException;
  }

  private final Path file;
  private final Limited reader;
  private final ReaderSource source;

  /** Line where the row begins that is read. */
  private long line = 1;

  /**
   * @param crc gets all bytes of the text
   * @throws InvalidInputException if it cannot be read, or if its name has another ending
   */
  DelimitedFile(Path file, CRC32C crc) throws IOException {
    this.file = file;
    RegularFile.require("--data", file);
    String name = file.toString().toLowerCase(Locale.ROOT).replaceFirst("\\.gz$", "");
    if (NAMES.stream().noneMatch(name::endsWith)) {
      throw new InvalidInputException(
          "--data %s: a table's name ends in .csv (commas) or .tsv (tabs), or in .csv.gz or .tsv.gz; rename it"
              .formatted(file));
    }
    reader = new Limited(new DataReader(file, crc));
    try {
      source = name.endsWith(".tsv") ? tabs() : commas();
    } catch (IOException | RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  private ReaderSource tabs() {
    TextLines lines = new TextLines("--data " + file, reader, LONGEST);
    return () -> {
      line = lines.number() + 1;
      String cells = lines.next();
      return cells == null ? null : new Row(line, Arrays.asList(cells.split("\t", -1)));
    };
  }

  private ReaderSource commas() throws IOException {
    CSVParser parser = CSVParser.parse(reader, CSVFormat.RFC4180);
    Iterator<CSVRecord> rows = parser.iterator();
    return () -> {
      line = parser.getCurrentLineNumber() + 1;
      try {
        return rows.hasNext() ? new Row(line, rows.next().toList()) : null;
      } catch (UncheckedIOException e) {
        throw e.getCause() instanceof CSVException ? quotes(e) : e;
      }
    };
  }

  private InvalidInputException quotes(UncheckedIOException e) {
    boolean open = String.valueOf(e.getMessage()).contains("EOF");
    return new InvalidInputException(
        "--data %s, line %s: %s; a quote within a quoted text is written twice, \"\""
            .formatted(
                file,
                line,
                open
                    ? "a quote opens there and is not closed"
                    : "in the row that begins there something follows a closing quote"),
        e);
  }

  /**
   * The next row that isn't a blank line; null behind the last.
   *
   * @throws InvalidInputException if it is no row, with the line
   */
  @Nullable Row next() throws IOException {
    Row row;
    do {
      reader.begin();
      row = source.next();
    } while (row != null && row.cells.size() == 1 && row.cells.get(0).isBlank());
    if (row != null && row.cells.stream().anyMatch(cell -> cell.indexOf('\0') >= 0)) {
      throw new InvalidInputException(
          "--data %s, line %s: a zero byte, which no text has; is the file damaged?"
              .formatted(file, row.line));
    }
    return row;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }

  /** Counts what a row takes. */
  private final class Limited extends FilterReader {
    private long taken;

    Limited(Reader in) {
      super(in);
    }

    void begin() {
      taken = 0;
    }

    @Override
    public int read(char[] into, int at, int count) throws IOException {
      int read = super.read(into, at, count);
      taken += read;
      if (taken > LONGEST) {
        throw new InvalidInputException(
            "--data %s, line %s: a row of more than %s characters; is there a quote that is not closed?"
                .formatted(file, line, LONGEST));
      }
      return read;
    }
  }
}
