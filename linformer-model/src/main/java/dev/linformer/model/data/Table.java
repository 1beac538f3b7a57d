package dev.linformer.model.data;

import dev.linformer.model.InvalidInputException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A table's texts as tokens, in a file aside, and where each begins; of a row, twelve bytes are in
 * memory.
 */
final class Table implements Closeable {

  private final TokenStore.Encoded tokens;
  private final CRC32C crc = new CRC32C();
  private long[] ends = new long[1024];
  private int[] labels = new int[1024];
  private int rows;

  /** Each label as it stands there, with the line where it is first met. */
  private final Map<String, Long> found = new LinkedHashMap<>();

  private final Map<String, Integer> numbers = new LinkedHashMap<>();

  private Table(TokenStore.Encoded tokens) {
    this.tokens = tokens;
  }

  /**
   * Reads a table once.
   *
   * @param longest tokens that a text may have
   * @throws InvalidInputException if it cannot be read, with the line
   */
  static Table read(ClassifyTask task, Path file, int longest) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException("--data " + file + ": no such file");
    }
    Table table = new Table(new TokenStore.Encoded());
    try {
      table.fill(task, file, longest);
      table.tokens.flush();
      return table;
    } catch (IOException | RuntimeException e) {
      table.close();
      throw e;
    }
  }

  private void fill(ClassifyTask task, Path file, int longest) throws IOException {
    boolean tabs = file.toString().toLowerCase(Locale.ROOT).endsWith(".tsv");
    CSVFormat format =
        (tabs ? CSVFormat.TDF : CSVFormat.RFC4180)
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setIgnoreSurroundingSpaces(false)
            .get();
    try (Reader reader =
            new InputStreamReader(
                new CheckedInputStream(Files.newInputStream(file), crc),
                StandardCharsets.UTF_8.newDecoder());
        CSVParser parser = CSVParser.parse(reader, format)) {
      for (String column : List.of(task.textColumn(), task.labelColumn())) {
        if (!parser.getHeaderNames().contains(column)) {
          throw new InvalidInputException(
              "--data %s: no column \"%s\" in its first line; there are %s"
                  .formatted(file, column, parser.getHeaderNames()));
        }
      }
      for (CSVRecord row : parser) {
        add(task, file, longest, row, parser.getCurrentLineNumber());
      }
    } catch (InvalidInputException e) {
      throw e;
    } catch (UncheckedIOException | IllegalArgumentException e) {
      throw noTable(file, e);
    } catch (CharacterCodingException e) {
      throw noTable(file, e);
    }
    if (rows == 0) {
      throw new InvalidInputException("--data " + file + ": empty, there is no row to learn from");
    }
  }

  /** What the parser found wrong; it wraps what reading throws. */
  private static InvalidInputException noTable(Path file, Exception e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof CharacterCodingException) {
        return new InvalidInputException(
            "--data %s: not in UTF-8; convert it, for example with iconv".formatted(file), e);
      }
    }
    return new InvalidInputException(
        "--data %s: cannot be read as a table: %s".formatted(file, e.getMessage()), e);
  }

  private void add(ClassifyTask task, Path file, int longest, CSVRecord row, long line)
      throws IOException {
    if (!row.isConsistent()) {
      throw new InvalidInputException(
          "--data %s, line %d: %d columns, but its first line names %d"
              .formatted(file, line, row.size(), row.getParser().getHeaderNames().size()));
    }
    int[] text = task.tokenizer().encode(row.get(task.textColumn()));
    if (text.length == 0) {
      throw new InvalidInputException(
          "--data %s, line %d: the text is empty".formatted(file, line));
    }
    if (text.length > longest) {
      if (!task.truncate()) {
        throw new InvalidInputException(
            "--data %s, line %d: a text of %d tokens, but input_size = %d; raise it, or cut texts with --set task.truncate=true"
                .formatted(file, line, text.length, longest));
      }
      text = Arrays.copyOf(text, longest);
    }
    if (rows == labels.length) {
      labels = Arrays.copyOf(labels, rows + rows / 2);
      ends = Arrays.copyOf(ends, rows + rows / 2);
    }
    String label = row.get(task.labelColumn()).strip();
    found.putIfAbsent(label, line);
    labels[rows] = numbers.computeIfAbsent(label, each -> numbers.size());
    tokens.append(text);
    ends[rows] = tokens.size();
    rows++;
  }

  /** Number of rows. */
  int rows() {
    return rows;
  }

  /** A row's label, as a number in {@link #labels}. */
  int label(int row) {
    return labels[row];
  }

  /** Each label as it stands there, with the line where it is first met. */
  List<Map.Entry<String, Long>> labels() {
    return new ArrayList<>(found.entrySet());
  }

  /** Checksum of the file. */
  long crc32c() {
    return crc.getValue();
  }

  /** Reads a row's tokens to {@code into[at]} and behind; returns how many there are. */
  int read(int row, int[] into, int at) throws IOException {
    long start = row == 0 ? 0 : ends[row - 1];
    int count = (int) (ends[row] - start);
    tokens.read(start, into, at, count);
    return count;
  }

  @Override
  public void close() throws IOException {
    tokens.close();
  }
}
