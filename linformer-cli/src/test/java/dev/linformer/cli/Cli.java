package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * What a command line did, run in this process.
 *
 * @param code exit code
 * @param out standard output
 * @param err standard error
 */
record Cli(int code, String out, String err) {

  private static final Pattern PROGRESS =
      Pattern.compile(
          "((preparing the data|left out|\\d+ tokens|\\d+ classes|training in|step)\\b.*\\R)*");

  /** Runs a command; a stack trace is a failure, whatever the command. */
  static Cli run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        Main.run(
            Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true)),
            Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    Cli cli = new Cli(code, out.toString(), err.toString());
    assertFalse(cli.err.contains("\tat ") || cli.out.contains("\tat "), cli::toString);
    return cli;
  }

  /** Runs a command with a standard input. */
  static Cli run(InputStream in, Object... arguments) {
    InputStream before = System.in;
    System.setIn(in);
    try {
      return run(arguments);
    } finally {
      System.setIn(before);
    }
  }

  /** Runs a command that must do what it is asked. */
  static Cli done(Object... arguments) {
    return run(arguments).done();
  }

  /** The same with a standard input. */
  static Cli done(InputStream in, Object... arguments) {
    return run(in, arguments).done();
  }

  /** Standard error has nothing but how a training goes. */
  private Cli done() {
    assertEquals(0, code, this::toString);
    assertTrue(PROGRESS.matcher(err).matches(), err);
    return this;
  }
}
