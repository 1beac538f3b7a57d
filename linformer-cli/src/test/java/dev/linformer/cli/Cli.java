package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/**
 * What a command line did, run in this process.
 *
 * @param code exit code
 * @param out standard output
 * @param err standard error
 */
record Cli(int code, String out, String err) {

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

  /** Runs a command that must do what it is asked. */
  static Cli done(Object... arguments) {
    Cli cli = run(arguments);
    assertEquals(0, cli.code, cli::toString);
    assertEquals("", cli.err);
    return cli;
  }
}
