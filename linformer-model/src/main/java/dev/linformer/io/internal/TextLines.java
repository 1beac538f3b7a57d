package dev.linformer.io.internal;

import dev.linformer.io.InvalidInputException;
import java.io.IOException;
import java.io.Reader;
import org.jspecify.annotations.Nullable;

/** Lines one by one, which end with LF, CR or both; the last one may have no end. */
public final class TextLines {

  private final String source;
  private final Reader reader;
  private final int longest;
  private final char[] buffer = new char[1 << 13];
  private int at;
  private int end;
  private long number;
  private boolean complete;

  /**
   * @param source what to call the file in messages
   * @param longest characters that a line may have
   */
  public TextLines(String source, Reader reader, int longest) {
    this.source = source;
    this.reader = reader;
    this.longest = longest;
  }

  /**
   * The next line without its end; null behind the last.
   *
   * @throws InvalidInputException if it is too long
   */
  public @Nullable String next() throws IOException {
    if (!ready()) {
      return null;
    }
    number++;
    StringBuilder line = new StringBuilder();
    complete = false;
    while (!complete && ready()) {
      int from = at;
      while (at < end && buffer[at] != '\n' && buffer[at] != '\r') {
        at++;
      }
      line.append(buffer, from, at - from);
      if (line.length() > longest) {
        throw new InvalidInputException(
            "%s, line %s: more than %s characters".formatted(source, number, longest));
      }
      complete = at < end;
    }
    if (complete && buffer[at++] == '\r' && ready() && buffer[at] == '\n') {
      at++;
    }
    return line.toString();
  }

  /** Whether there is a character, read or to be read. */
  private boolean ready() throws IOException {
    if (at == end) {
      at = 0;
      end = Math.max(0, reader.read(buffer, 0, buffer.length));
    }
    return end > 0;
  }

  /** Number of the last line, counted from 1. */
  public long number() {
    return number;
  }

  /** Whether the last line has an end. */
  public boolean complete() {
    return complete;
  }
}
