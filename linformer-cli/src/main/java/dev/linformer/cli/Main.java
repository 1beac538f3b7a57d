package dev.linformer.cli;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.train.DivergedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParseResult;

/** The program {@code linformer}: exit code 0 for done, 1 for failed, 2 for bad input. */
@Command(
    name = "linformer",
    description = "Self-attention in linear time and memory: build, train, export.",
    version = "linformer 0.1.0-SNAPSHOT",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      InitCommand.class,
      TrainCommand.class,
      EvalCommand.class,
      PredictCommand.class,
      ExportCommand.class,
      ImportCommand.class,
      ExportWeightsCommand.class,
      GenerateCommand.class,
      SummaryCommand.class,
      BenchCommand.class,
      PlotCommand.class,
      VisualizeCommand.class,
      DoctorCommand.class
    })
public final class Main {

  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT); // digits in messages are 0 to 9
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(Main::answer);
  }

  /** What went wrong, in a line. */
  private static int answer(Exception failure, CommandLine command, ParseResult ignored) {
    PrintWriter err = command.getErr();
    String name = command.getCommandSpec().qualifiedName();
    if (failure instanceof InvalidInputException) {
      err.println(name + ": " + failure.getMessage());
      return ExitCode.USAGE;
    }
    if (failure instanceof DivergedException) {
      err.println(name + ": " + failure.getMessage());
    } else if (failure instanceof UncheckedIOException wrapped && wrapped.getCause() != null) {
      return answer(wrapped.getCause(), command, ignored);
    } else if (failure instanceof IOException) {
      err.println(
          "%s: %s: %s".formatted(name, failure.getClass().getSimpleName(), failure.getMessage()));
    } else {
      err.println("%s: unexpected: %s".formatted(name, failure));
      if (Boolean.getBoolean("linformer.stacktrace")) {
        failure.printStackTrace(err);
      } else {
        err.println("(JAVA_OPTS=-Dlinformer.stacktrace=true shows where)");
      }
    }
    return ExitCode.SOFTWARE;
  }
}
