package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What shells complete with the script of {@code linformer completion}. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it is for bash and zsh")
class CompletionTest {

  /** Asks for the completions of the last word of a line, as the shell does at the tab key. */
  private static final String TAB =
      """
      source ./script
      compopt() { :; } # which bash has for a word that is being typed alone
      complete -p linformer | grep -q -- '-F ' || exit 3
      function=$(complete -p linformer | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      COMP_WORDS=("$@")
      COMP_CWORD=$(($# - 1))
      COMP_LINE="$*"
      COMP_POINT=${#COMP_LINE}
      "$function" linformer "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """;

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void write() throws IOException {
    Files.writeString(folder.resolve("script"), Cli.done("completion").out());
    Files.writeString(folder.resolve("tab"), TAB);
    Files.writeString(folder.resolve("my-model.json"), "{}");
  }

  private Set<String> completions(String... words) throws IOException, InterruptedException {
    return completions(List.of("bash", "tab"), words);
  }

  private Set<String> completions(List<String> shell, String... words)
      throws IOException, InterruptedException {
    Path answer = folder.resolve("answer");
    Process process =
        new ProcessBuilder(Stream.concat(shell.stream(), Stream.of(words)).toList())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(answer.toFile())
            .start();
    int code = process.waitFor();
    String text = Files.readString(answer);
    assertEquals(0, code, text);
    Set<String> all = new TreeSet<>();
    text.lines().map(String::strip).filter(line -> !line.isEmpty()).forEach(all::add);
    return all;
  }

  @Test
  void commands() throws Exception {
    assertEquals(Set.of("train"), completions("linformer", "tra"));
    assertEquals(Set.of("export", "export-weights"), completions("./linformer", "exp"));
    Set<String> all = completions("linformer", "");
    assertTrue(all.containsAll(HelpTest.commands()), all::toString);
    assertEquals(Set.of("train"), completions("linformer", "help", "tra"));
  }

  @Test
  void options() throws Exception {
    assertEquals(Set.of("--temperature"), completions("linformer", "generate", "--temp"));
    Set<String> all = completions("linformer", "predict", "--");
    assertTrue(all.containsAll(Set.of("--model", "--source-mask", "--output")), all::toString);
  }

  @Test
  void values() throws Exception {
    assertEquals(Set.of("my-model.json"), completions("linformer", "init", "--config", "my"));
    assertTrue(completions("linformer", "bench", "--suite", "").contains("CPU"));
  }

  @Test
  void zshReadsIt() throws Exception {
    assumeTrue(System.getenv("PATH") != null && zsh(), "zsh is there");
    List<String> load =
        List.of("zsh", "-f", "-c", "source ./script && whence -w _complete_linformer");
    assertEquals(Set.of("_complete_linformer: function"), completions(load));
  }

  private static boolean zsh() {
    for (String each : System.getenv("PATH").split(":", -1)) {
      if (Files.isExecutable(Path.of(each, "zsh"))) {
        return true;
      }
    }
    return false;
  }
}
