package dev.linformer.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program {@code linformer}: exit code 0 for done, 1 for failed, 2 for bad input. */
@Command(
    name = "linformer",
    description = "Self-attention in linear time and memory: build, train, export.",
    resourceBundle = "dev.linformer.cli.version",
    version = "linformer ${bundle:project.version}",
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
      DoctorCommand.class,
      HelpCommand.class,
      CompletionCommand.class,
      ManCommand.class
    })
public final class Main {

  private Main() {}

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT); // digits in messages are 0 to 9
    PrintWriter out = utf8(FileDescriptor.out);
    PrintWriter err = utf8(FileDescriptor.err);
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failure) -> err.println("linformer: " + ErrorMessage.of(failure).text()));
    int code = run(commandLine().setOut(out).setErr(err), arguments);
    if (out.checkError()) {
      err.println("linformer: standard output can't be written to");
      code = Math.max(code, ExitCode.SOFTWARE);
    }
    System.exit(code);
  }

  /** Results are the same bytes in every locale. */
  private static PrintWriter utf8(FileDescriptor stream) {
    return new PrintWriter(new FileOutputStream(stream), true, StandardCharsets.UTF_8);
  }

  static CommandLine commandLine() {
    CommandLine linformer = new CommandLine(new Main());
    linformer
        .getSubcommands()
        .values()
        .forEach(each -> each.getCommandSpec().usageMessage().footerHeading("%nExamples:%n"));
    return linformer
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false)
        .registerConverter(Path.class, Main::path)
        .setExecutionStrategy(Main::execute)
        .setParameterExceptionHandler(Main::refuse)
        .setExecutionExceptionHandler(Main::answer);
  }

  /**
   * @return the exit code
   */
  static int run(CommandLine linformer, String... arguments) {
    String lost = Arguments.lost(arguments);
    if (lost != null) {
      linformer.getErr().println("linformer: " + ErrorMessage.line(lost));
      return ExitCode.USAGE;
    }
    return linformer.execute(arguments);
  }

  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new TypeConversionException("a name of a file or folder is expected, and it is empty");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(ErrorMessage.noFile(e));
    }
  }

  /** Picocli hands exceptions on, but not errors, such as memory that has run out. */
  private static int execute(ParseResult parsed) {
    try {
      return new RunLast().execute(parsed);
    } catch (Error e) {
      List<CommandLine> commands = parsed.asCommandLineList();
      throw new ExecutionException(commands.get(commands.size() - 1), "an error", e);
    }
  }

  /** As picocli does it, but for what the arguments may do to a terminal. */
  private static int refuse(ParameterException failure, String[] ignored) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println(ErrorMessage.line(said(failure)));
    if (!UnmatchedArgumentException.printSuggestions(failure, err)) {
      command.usage(err, command.getColorScheme());
    }
    return ExitCode.USAGE;
  }

  private static @Nullable String said(ParameterException failure) {
    if (failure instanceof UnmatchedArgumentException unmatched
        && failure.getCommandLine().getParent() == null) {
      String first = unmatched.getUnmatched().get(0);
      return "there is no %s '%s'".formatted(first.startsWith("-") ? "option" : "command", first);
    }
    return failure.getMessage();
  }

  private static int answer(Exception failure, CommandLine command, ParseResult ignored) {
    Throwable cause = failure.getCause();
    if (cause == null || !(failure instanceof ExecutionException)) {
      cause = failure;
    }
    ErrorMessage message = ErrorMessage.of(cause);
    PrintWriter err = command.getErr();
    err.println(command.getCommandSpec().qualifiedName() + ": " + message.text());
    if (!message.expected()) {
      if (Boolean.getBoolean("linformer.stacktrace")) {
        cause.printStackTrace(err);
      } else {
        err.println("(JAVA_OPTS=-Dlinformer.stacktrace=true shows where)");
      }
    }
    return message.code();
  }
}
