package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
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
  static Table read(ClassifyTask task, Path file, int longest) throws IOException {
    if (Files.isDirectory(file)) {
      throw new InvalidInputException(
          "--data %s: a folder, but a table is a file: name one that ends in .csv or .tsv"
              .formatted(file));
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
    try (DelimitedFile delimited = new DelimitedFile(file, crc)) {
      DelimitedFile.Row header = delimited.next();
      if (header == null) {
        throw new InvalidInputException(
            "--data " + file + ": empty, there is no row to learn from");
      }
      List<String> names = header.cells().stream().map(String::strip).toList();
      int text = column(file, names, task.textColumn());
      int label = column(file, names, task.labelColumn());
      for (DelimitedFile.Row row = delimited.next(); row != null; row = delimited.next()) {
        if (row.cells().size() != names.size()) {
          throw new InvalidInputException(
              "--data %s, line %d: %d columns, but its first line names %d"
                  .formatted(file, row.line(), row.cells().size(), names.size()));
        }
        add(task, file, longest, row.line(), row.cells().get(text), row.cells().get(label));
      }
    }
    if (rows == 0) {
      throw new InvalidInputException(
          "--data %s: empty, there is no row to learn from%s"
              .formatted(file, dropped == 0 ? "" : " but %d that were dropped".formatted(dropped)));
    }
  }

  /** Number of a column, which may have spaces around its name. */
  private static int column(Path file, List<String> names, String name) {
    String wanted = name.strip();
    int column = names.indexOf(wanted);
    if (column < 0) {
      String only = names.size() == 1 ? names.get(0) : "";
      throw new InvalidInputException(
          "--data %s: no column \"%s\" in its first line; there are %s%s"
              .formatted(
                  file,
                  PrintableText.excerpt(name),
                  PrintableText.array(names),
                  only.contains(";") || only.contains("\t")
                      ? "; a .csv file has commas between its columns, a .tsv file tabs"
                      : ""));
    }
    if (names.lastIndexOf(wanted) != column) {
      throw new InvalidInputException(
          "--data %s: columns %d and %d are both named \"%s\"; rename one of them"
              .formatted(
                  file, column + 1, names.lastIndexOf(wanted) + 1, PrintableText.excerpt(wanted)));
    }
    return column;
  }

  private void add(
      ClassifyTask task, Path file, int longest, long line, String words, String labelCell)
      throws IOException {
    boolean noText = task.missing().isMissing(words);
    if (noText || task.missing().isMissing(labelCell)) {
      if (task.missing() == MissingValues.DROP) {
        dropped++;
        return;
      }
      throw missing(file, line, noText ? "text" : "label", noText ? words : labelCell);
    }
    int[] text = task.tokenizer().encode(words);
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
    String label = labelCell.strip();
    firstLines.putIfAbsent(label, line);
    labels[rows] = numbers.computeIfAbsent(label, each -> numbers.size());
    tokens.append(text);
    ends[rows] = tokens.size();
    rows++;
  }

  private static InvalidInputException missing(Path file, long line, String what, String cell) {
    boolean blank = MissingValues.isBlank(cell);
    String content = blank ? "empty" : "\"" + PrintableText.excerpt(cell.strip()) + "\"";
    String words = blank ? "" : ", or take such words as they are with task.missing=keep_words";
    return new InvalidInputException(
        "--data %s, line %d: the %s is %s; mend it, or leave such rows out with --set task.missing=drop%s"
            .formatted(file, line, what, content, words));
  }

  /** Number of rows. */
  int rows() {
    return rows;
  }

  /** Number of rows that were left out because their text or label is missing. */
  int dropped() {
    return dropped;
  }

  /** A row's label, as a number in {@link #labels}. */
  int label(int row) {
    return labels[row];
  }

  /** Each label as it stands there, with the line where it is first met. */
  List<Map.Entry<String, Long>> labels() {
    return new ArrayList<>(firstLines.entrySet());
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
