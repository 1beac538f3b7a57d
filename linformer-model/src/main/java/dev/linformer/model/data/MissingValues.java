package dev.linformer.model.data;

import dev.linformer.io.internal.Named;
import java.util.Locale;
import java.util.Set;

/** What is done with a table's rows whose text or label is missing. */
public enum MissingValues {
  /** The first one ends the reading, with its line. */
  REFUSE,
  /** Such rows are left out and counted. */
  DROP,
  /** Only blank cells are missing; words such as none are texts and labels like others. */
  KEEP_WORDS;

  /** How programs write that there is nothing, pandas' list in lower case. */
  private static final Set<String> WORDS =
      Set.of(
          "nan",
          "-nan",
          "null",
          "none",
          "na",
          "n/a",
          "<na>",
          "nat",
          "#na",
          "#n/a",
          "#n/a n/a",
          "1.#ind",
          "-1.#ind",
          "1.#qnan",
          "-1.#qnan");

  /** The name in JSON. */
  String word() {
    return Named.key(this);
  }

  /** Whether a cell counts as missing. */
  boolean isMissing(String cell) {
    return isBlank(cell)
        || (this != KEEP_WORDS && WORDS.contains(cell.strip().toLowerCase(Locale.ROOT)));
  }

  /** Whether there are only spaces, of every kind, and what takes no place. */
  static boolean isBlank(String cell) {
    return cell.codePoints().allMatch(MissingValues::isBlank);
  }

  private static boolean isBlank(int point) {
    return Character.isWhitespace(point)
        || Character.isSpaceChar(point)
        || Character.isISOControl(point)
        || Character.getType(point) == Character.FORMAT;
  }
}
