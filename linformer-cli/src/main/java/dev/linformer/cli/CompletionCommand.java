package dev.linformer.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code linformer completion}: a script for shells. */
@Command(
    name = "completion",
    description =
        "Prints a script with which bash and zsh complete commands, options and names of files.",
    footer = {"  source <(linformer completion)", "  linformer completion > linformer.bash"},
    mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    CommandSpec linformer = spec.root();
    PrintWriter out = spec.commandLine().getOut();
    out.println(AutoComplete.bash(linformer.name(), linformer.commandLine()).stripTrailing());
    return 0;
  }
}
