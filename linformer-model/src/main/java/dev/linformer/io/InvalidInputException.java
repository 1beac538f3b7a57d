package dev.linformer.io;

import dev.linformer.io.internal.text.PrintableText;
import org.jspecify.annotations.Nullable;

/**
 * Input that the user can mend: the message names what was given, and what would do. It is one
 * line, without control characters whatever was given, and is cut where it gets longer than anyone
 * reads.
 *
 * <p>The command line prints the message alone and ends with exit code 2.
 */
public final class InvalidInputException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private static final int LONGEST = 2000;

  public InvalidInputException(String message) {
    super(PrintableText.cut(message, LONGEST));
  }

  public InvalidInputException(String message, Throwable cause) {
    super(PrintableText.cut(message, LONGEST), cause);
  }

  /** A setting's value that is no good: which key, which value, what would do. */
  public static InvalidInputException ofValue(String key, @Nullable Object value, String wanted) {
    return new InvalidInputException("%s = %s, but %s is expected".formatted(key, value, wanted));
  }
}
