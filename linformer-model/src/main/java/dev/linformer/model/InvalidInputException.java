package dev.linformer.model;

/**
 * Input that the user can mend: the message names what was given, and what would do.
 *
 * <p>The command line prints the message alone and ends with exit code 2.
 */
public final class InvalidInputException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
