package dev.linformer.model.data;

import java.util.List;
import java.util.stream.Collectors;

/** What stands in a file, as messages quote it: in one line, and not too long. */
final class Quoted {

  private static final int LONGEST = 60;
  private static final int MOST = 12;

  private Quoted() {}

  /** A name or a cell; characters that a terminal would obey are written as numbers. */
  static String of(String text) {
    StringBuilder shown = new StringBuilder();
    int[] points = text.codePoints().limit(LONGEST + 1).toArray();
    for (int i = 0; i < Math.min(points.length, LONGEST); i++) {
      shown.append(seen(points[i]) ? Character.toString(points[i]) : escaped(points[i]));
    }
    return points.length > LONGEST ? shown.append('…').toString() : shown.toString();
  }

  /** The first of many. */
  static String of(List<String> texts) {
    String some = texts.stream().limit(MOST).map(Quoted::of).collect(Collectors.joining(", "));
    return "[" + some + (texts.size() > MOST ? ", …]" : "]");
  }

  private static String escaped(int point) {
    return point == '\t' ? "\\t" : "\\u{" + Integer.toHexString(point) + "}";
  }

  private static boolean seen(int point) {
    int type = Character.getType(point);
    return type != Character.CONTROL
        && type != Character.FORMAT
        && type != Character.SURROGATE
        && type != Character.LINE_SEPARATOR
        && type != Character.PARAGRAPH_SEPARATOR;
  }
}
