package dev.linformer.cli;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code linformer help}: what {@code --help} says. */
@Command(
    name = "help",
    description = "Explains a command, as COMMAND --help does, or lists all.",
    footer = {"  linformer help", "  linformer help train"},
    helpCommand = true,
    mixinStandardHelpOptions = true)
final class HelpCommand implements Callable<Integer> {

  @Parameters(
      arity = "0..1",
      paramLabel = "COMMAND",
      completionCandidates = CommandNames.class,
      description = "Which; all unless given.")
  private @Nullable String command;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    CommandLine linformer = spec.root().commandLine();
    CommandLine explained = command == null ? linformer : linformer.getSubcommands().get(command);
    if (explained == null) {
      throw new UnmatchedArgumentException(linformer, List.of(command));
    }
    explained.usage(spec.commandLine().getOut());
    return 0;
  }

  /** For completion. */
  static final class CommandNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Main.commandLine().getSubcommands().keySet().iterator();
    }
  }
}
