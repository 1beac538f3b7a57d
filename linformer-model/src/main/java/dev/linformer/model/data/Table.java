package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import java.io.Closeable;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

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
  private int dropped;

  /** Each label as it stands there, with the line where it is first met. */
  private final Map<String, Long> firstLines = new LinkedHashMap<>();

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
  static Table read(ClassifyTask task, int longest) throws IOException {
    Table table = new Table(new TokenStore.Encoded());
    try {
      table.fill(task, longest);
      table.tokens.flush();
      return table;
    } catch (IOException | RuntimeException e) {
      table.close();
      throw e;
    }
  }

  private void fill(ClassifyTask task, int longest) throws IOException {
    try (TableRows all = new TableRows(task, crc)) {
      for (TableRows.TableRow row = all.next(); row != null; row = all.next()) {
        add(task, longest, row);
      }
      dropped = all.dropped();
    }
  }

  private void add(ClassifyTask task, int longest, TableRows.TableRow row) throws IOException {
    int[] text = task.tokenizer().encode(row.text());
    if (text.length > longest) {
      if (!task.truncate()) {
        throw new InvalidInputException(
            "--data %s, line %s: a text of %s tokens, but input_size = %s; raise it, or cut texts with --set task.truncate=true"
                .formatted(task.data(), row.line(), text.length, longest));
      }
      text = Arrays.copyOf(text, longest);
    }
    if (rows == labels.length) {
      labels = Arrays.copyOf(labels, rows + rows / 2);
      ends = Arrays.copyOf(ends, rows + rows / 2);
    }
    firstLines.putIfAbsent(row.label(), row.line());
    labels[rows] = numbers.computeIfAbsent(row.label(), each -> numbers.size());
    tokens.append(text);
    ends[rows] = tokens.size();
    rows++;
  }

  /** Number of rows. */
  int rows() {
    return rows;
  }

  /** Number of rows that were left out because their text or label is missing. */
  int dropped() {
    return dropped;
  }

  /** A row's label, counted in the order in which they are met. */
  int label(int row) {
    return labels[row];
  }

  /** Each label as it stands there, with the line where it is first met. */
  Map<String, Long> labels() {
    return Collections.unmodifiableMap(firstLines);
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
