package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.FileProblem;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.model.train.DivergedException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import org.jspecify.annotations.Nullable;
import org.tensorflow.exceptions.TFResourceExhaustedException;
import picocli.CommandLine.ExitCode;

/**
 * What went wrong, in a line that can be printed whatever stands in it, and what would do.
 *
 * @param text without names of classes
 * @param code of the process: 2 for input that the user can mend, 1 for all else
 * @param expected whether the text says it all; of other failures a stack trace may say more
 */
record ErrorMessage(String text, int code, boolean expected) {

  private static final int LONGEST = 2000;

  static ErrorMessage of(Throwable failure) {
    if (failure instanceof InvalidInputException) {
      return new ErrorMessage(line(failure.getMessage()), ExitCode.USAGE, true);
    } else if (failure instanceof InvalidPathException path) {
      return new ErrorMessage(line(noFile(path)), ExitCode.USAGE, true);
    } else if (failure instanceof UncheckedIOException && failure.getCause() != null) {
      return of(failure.getCause());
    } else if (failure instanceof DivergedException) {
      return failed(failure.getMessage());
    } else if (failure instanceof FileSystemException system && system.getFile() != null) {
      return failed(system.getFile() + ": " + FileProblem.words(system));
    } else if (failure instanceof IOException e) {
      return failed(FileProblem.words(e));
    } else if (failure instanceof TFResourceExhaustedException || failure instanceof Error) {
      return failed(exhausted(failure));
    }
    return new ErrorMessage(line("unexpected: " + said(failure)), ExitCode.SOFTWARE, false);
  }

  /** Why a text can't be the name of a file. */
  static String noFile(InvalidPathException failure) {
    return "'%s' can't be a file: %s".formatted(failure.getInput(), failure.getReason());
  }

  private static ErrorMessage failed(@Nullable String text) {
    return new ErrorMessage(line(text), ExitCode.SOFTWARE, true);
  }

  /** What the process ran out of. */
  private static String exhausted(Throwable failure) {
    String said = said(failure);
    if (failure instanceof StackOverflowError) {
      return "something is nested too deeply for the stack; JAVA_OPTS=-Xss64m makes it larger";
    } else if (failure instanceof OutOfMemoryError) {
      return "out of memory (%s); a smaller batch takes less, and JAVA_OPTS=-Xmx8g gives Java more"
          .formatted(said);
    } else if (failure instanceof LinkageError) {
      return "a library can't be loaded (%s); linformer doctor says what is missing"
          .formatted(said);
    } else if (failure instanceof TFResourceExhaustedException && !said.contains("space left")) {
      return "out of memory (%s); a smaller batch, or a checkpoint_level of C1 or above, takes less"
          .formatted(said);
    }
    return said;
  }

  private static String said(Throwable failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank() ? "no reason is known" : message;
  }

  /** A text in one line that does nothing to a terminal, and is no longer than anyone reads. */
  static String line(@Nullable String text) {
    String printable = PrintableText.of(text == null ? "no reason is known" : text);
    return printable.length() <= LONGEST ? printable : printable.substring(0, LONGEST) + "…";
  }
}
