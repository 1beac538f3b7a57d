package dev.linformer.io.internal.text;

import static java.util.stream.Collectors.joining;

import java.util.Collection;
import java.util.Locale;

/** Texts from files as they may stand in a message: in one line, harmless to a terminal, short. */
public final class PrintableText {

  /** Characters of a name or value in a message. */
  private static final int EXCERPT = 100;

  /** Characters of a list, from which on it is cut. */
  private static final int LIST = 1200;

  /** Names of an array. */
  private static final int MOST_NAMES = 12;

  private PrintableText() {}

  /**
   * A text with its control characters, and those that change the direction of writing, written as
   * {@code \n}, {@code \u001b} and the like.
   */
  public static String of(String text) {
    return cut(text, Integer.MAX_VALUE);
  }

  /** The beginning of a name or value out of a file, as {@link #of} gives it. */
  public static String excerpt(Object text) {
    return cut(text.toString(), EXCERPT);
  }

  /** The first of many remarks, and how many more there are. */
  public static String list(Collection<String> remarks) {
    StringBuilder list = new StringBuilder();
    int count = 0;
    for (String remark : remarks) {
      if (list.length() > LIST) {
        return list.append("; and ").append(remarks.size() - count).append(" more").toString();
      }
      list.append(count++ == 0 ? "" : "; ").append(cut(remark, 3 * EXCERPT));
    }
    return list.toString();
  }

  /** The first of many names out of a file, {@code [a, b, …]}. */
  public static String array(Collection<String> names) {
    String first =
        names.stream().limit(MOST_NAMES).map(PrintableText::excerpt).collect(joining(", "));
    return "[" + first + (names.size() > MOST_NAMES ? ", …]" : "]");
  }

  /** At most so many characters, and what says how many more there were. */
  public static String cut(String text, int most) {
    StringBuilder printable = new StringBuilder();
    int done = 0;
    while (done < text.length() && printable.length() < most) {
      int character = text.codePointAt(done);
      append(printable, character);
      done += Character.charCount(character);
    }
    if (done < text.length()) {
      printable.append("… (").append(text.length() - done).append(" more characters)");
    }
    return printable.toString();
  }

  private static void append(StringBuilder printable, int character) {
    if (!harmful(character)) {
      printable.appendCodePoint(character);
      return;
    }
    switch (character) {
      case '\n' -> printable.append("\\n");
      case '\r' -> printable.append("\\r");
      case '\t' -> printable.append("\\t");
      default -> printable.append(String.format(Locale.ROOT, "\\u%04x", character));
    }
  }

  private static boolean harmful(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      // Joiners belong to the spelling of words.
      case Character.FORMAT -> character != 0x200c && character != 0x200d;
      default -> false;
    };
  }
}
