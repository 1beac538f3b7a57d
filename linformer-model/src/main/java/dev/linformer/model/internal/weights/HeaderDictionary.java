package dev.linformer.model.internal.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Python dictionary in an npy header: keys and values are texts, {@code True} and {@code
 * False}, or tuples of whole numbers. Read in one pass, without going back.
 */
final class HeaderDictionary {

  /** Stands for a list, which describes an array of records. */
  static final Object RECORDS = new Object();

  private static final int MOST_DIGITS = 18;
  private static final char END = '\uffff'; // no character

  private final String text;
  private int at;

  private HeaderDictionary(String text) {
    this.text = text;
  }

  /**
   * Values by key: a {@link String}, a {@link Boolean}, a {@link List} of {@link Long}, or {@link
   * #RECORDS}.
   *
   * @throws IllegalArgumentException if the text is something else; says what
   */
  static Map<String, Object> parse(String text) {
    HeaderDictionary reader = new HeaderDictionary(text);
    Map<String, Object> values = new LinkedHashMap<>();
    reader.expect('{');
    while (!reader.next('}')) {
      String key = reader.quoted();
      reader.expect(':');
      if (values.put(key, reader.value()) != null) {
        throw new IllegalArgumentException("a key twice");
      }
      if (!reader.next(',')) {
        reader.expect('}');
        break;
      }
    }
    reader.skipBlanks();
    if (reader.at < text.length()) {
      throw new IllegalArgumentException("something after its end");
    }
    return values;
  }

  private Object value() {
    skipBlanks();
    for (boolean flag : new boolean[] {false, true}) {
      String word = flag ? "True" : "False";
      if (text.startsWith(word, at)) {
        at += word.length();
        return flag;
      }
    }
    return switch (peek()) {
      case '\'', '"' -> quoted();
      case '(' -> numbers();
      case '[' -> records();
      default -> throw new IllegalArgumentException("a value that is no text, flag or tuple");
    };
  }

  private String quoted() {
    skipBlanks();
    char quote = peek();
    int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
    if (end < 0) {
      throw new IllegalArgumentException("no text in quotes where one is expected");
    }
    String quoted = text.substring(at + 1, end);
    at = end + 1;
    return quoted;
  }

  private List<Long> numbers() {
    List<Long> numbers = new ArrayList<>();
    expect('(');
    while (!next(')')) {
      numbers.add(number());
      if (!next(',')) {
        expect(')');
        break;
      }
    }
    return numbers;
  }

  private long number() {
    skipBlanks();
    int begin = at;
    while (peek() >= '0' && peek() <= '9') {
      at++;
    }
    if (at == begin || at - begin > MOST_DIGITS) {
      throw new IllegalArgumentException("a tuple of something else than whole numbers");
    }
    long number = Long.parseLong(text, begin, at, 10);
    next('L'); // Python 2 wrote it
    return number;
  }

  /** Nothing of it is used, but where it ends. */
  private Object records() {
    int open = 0;
    do {
      switch (peek()) {
        case '[', '(' -> open++;
        case ']', ')' -> open--;
        case END -> throw new IllegalArgumentException("no end");
        default -> {}
      }
      at++;
    } while (open > 0);
    return RECORDS;
  }

  private char peek() {
    return at < text.length() ? text.charAt(at) : END;
  }

  /** Goes over a character if it is the next one. */
  private boolean next(char expected) {
    skipBlanks();
    if (peek() != expected) {
      return false;
    }
    at++;
    return true;
  }

  private void expect(char expected) {
    if (!next(expected)) {
      throw new IllegalArgumentException("no " + expected + " where one is expected");
    }
  }

  private void skipBlanks() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }
}
