package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The manual page has what the help has, and man can show it. */
class ManPageTest {

  private static final Pattern OPTION = Pattern.compile("\\\\fB\\\\-\\\\-((?:[a-z]|\\\\-)+)");

  private static String page() {
    return Cli.done("man").out();
  }

  @Test
  void itHasEveryCommandWithItsOptions() {
    Map<String, Set<String>> found = new TreeMap<>();
    Set<String> options = new TreeSet<>();
    for (String line : page().lines().toList()) {
      Matcher option = OPTION.matcher(line);
      if (line.startsWith(".SS \"linformer ")) {
        options = new TreeSet<>();
        found.put(line.replaceAll("\\.SS \"linformer |\"", "").replace("\\-", "-"), options);
      } else if (option.lookingAt()) {
        options.add("--" + option.group(1).replace("\\-", "-"));
      }
    }
    assertEquals(OptionsInDocsTest.commands(), found);
  }

  @Test
  void itHasTheExamplesAndTheVersion() {
    String page = page();
    assertTrue(page.contains("\\&  linformer eval \\-\\-model runs/copy\n.EE\n"), page);
    assertTrue(page.startsWith(".TH \"LINFORMER\" \"1\" \"\" \"linformer "), page);
    assertTrue(page.chars().allMatch(each -> each == '\n' || (each >= 0x20 && each < 0x7f)), page);
  }

  /** A line of a description that begins with a dot would be a macro. */
  @Test
  void everyLineIsAMacroOrText() {
    for (String line : page().lines().toList()) {
      assertTrue(line.matches("\\.(TH|SH|SS|TP|PP|EX|EE)( .*)?|\\\\&.*|\\\\fB.*"), line);
    }
  }

  @Test
  void manShowsIt(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("linformer.1"), page());
    assertEquals("", formatted(folder, "groff", "-man", "-Tutf8", "-ww", "-z", file.toString()));
    String shown = formatted(folder, "groff", "-man", "-Tutf8", "-P-c", file.toString());
    shown = shown.replaceAll(".\b", "");
    assertTrue(shown.contains("--learning-rate=<learningRate>"), shown);
    assertTrue(shown.matches("(?s).*\\n +linformer eval --model runs/copy\\n.*"), shown);
  }

  private static String formatted(Path folder, String... command)
      throws IOException, InterruptedException {
    Path shown = folder.resolve("shown");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(shown.toFile());
    Process process = null;
    try {
      process = builder.start();
    } catch (IOException e) {
      assumeTrue(false, "groff is not installed");
    }
    assertEquals(0, process == null ? -1 : process.waitFor());
    return Files.readString(shown, StandardCharsets.UTF_8);
  }
}
