package dev.linformer.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code linformer man}: the manual page. */
@Command(
    name = "man",
    description = "Prints the manual page, with all commands, in man's own format.",
    footer = {"  linformer man > linformer.1; man ./linformer.1"},
    mixinStandardHelpOptions = true)
final class ManCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    spec.commandLine().getOut().print(ManPage.of(spec.root()));
    return 0;
  }
}
