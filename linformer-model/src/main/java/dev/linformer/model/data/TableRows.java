package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** The texts and labels of a table, row by row, without those rows that are to be left out. */
final class TableRows implements Closeable {

  /**
   * A row that counts.
   *
   * @param line where it begins, counted from 1
   */
  record TableRow(long line, String text, String label) {}

  private final ClassifyTask task;
  private final Path file;
  private final DelimitedFile delimited;
  private final int columns;
  private final int text;
  private final int label;
  private int rows;
  private int dropped;

  /**
   * @param crc gets all bytes of the text
   * @throws InvalidInputException if it is no table, or hasn't the task's columns
   */
  TableRows(ClassifyTask task, CRC32C crc) throws IOException {
    this.task = task;
    file = DataFile.path(task.data());
    if (Files.isDirectory(file)) {
      throw new InvalidInputException(
          "--data %s: a folder, but a table is a file: name one that ends in .csv or .tsv"
              .formatted(file));
    }
    delimited = new DelimitedFile(file, crc);
    try {
      DelimitedFile.Row header = delimited.next();
      if (header == null) {
        throw new InvalidInputException(
            "--data " + file + ": empty, there is no row to learn from");
      }
      List<String> names = header.cells().stream().map(String::strip).toList();
      columns = names.size();
      text = column(names, task.textColumn());
      label = column(names, task.labelColumn());
    } catch (IOException | RuntimeException e) {
      delimited.close();
      throw e;
    }
  }

  /** Number of a column, which may have spaces around its name. */
  private int column(List<String> names, String name) {
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
          "--data %s: columns %s and %s are both named \"%s\"; rename one of them"
              .formatted(
                  file, column + 1, names.lastIndexOf(wanted) + 1, PrintableText.excerpt(wanted)));
    }
    return column;
  }

  /**
   * The next row; null behind the last.
   *
   * @throws InvalidInputException if it is no row, or text or label is missing, with the line; or
   *     if there is no row at all
   */
  @Nullable TableRow next() throws IOException {
    for (DelimitedFile.Row row = delimited.next(); row != null; row = delimited.next()) {
      if (row.cells().size() != columns) {
        throw new InvalidInputException(
            "--data %s, line %s: %s columns, but its first line names %s"
                .formatted(file, row.line(), row.cells().size(), columns));
      }
      String words = row.cells().get(text);
      String labelCell = row.cells().get(label);
      boolean noText = task.missing().isMissing(words);
      if (!noText && !task.missing().isMissing(labelCell)) {
        rows++;
        return new TableRow(row.line(), words, labelCell.strip());
      }
      if (task.missing() != MissingValues.DROP) {
        throw missing(row.line(), noText ? "text" : "label", noText ? words : labelCell);
      }
      dropped++;
    }
    if (rows == 0) {
      throw new InvalidInputException(
          "--data %s: empty, there is no row to learn from%s"
              .formatted(file, dropped == 0 ? "" : " but %s that were dropped".formatted(dropped)));
    }
    return null;
  }

  private InvalidInputException missing(long line, String what, String cell) {
    boolean blank = MissingValues.isBlank(cell);
    String content = blank ? "empty" : "\"" + PrintableText.excerpt(cell.strip()) + "\"";
    String words = blank ? "" : ", or take such words as they are with task.missing=keep_words";
    return new InvalidInputException(
        "--data %s, line %s: the %s is %s; mend it, or leave such rows out with --set task.missing=drop%s"
            .formatted(file, line, what, content, words));
  }

  /** Number of rows so far that were left out because their text or label is missing. */
  int dropped() {
    return dropped;
  }

  @Override
  public void close() throws IOException {
    delimited.close();
  }
}
