package dev.linformer.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The project's sources in Java.
 *
 * @param files text by path from the project's root
 */
record SourceTree(Map<String, String> files) {

  private static final Pattern PACKAGE =
      Pattern.compile("(?m)^package dev\\.linformer\\.([\\w.]+);");
  private static final Pattern IMPORT =
      Pattern.compile("(?m)^import (?:static )?dev\\.linformer\\.([a-z]+(?:\\.[a-z]+)*)\\.[A-Z]");
  private static final Pattern TYPE =
      Pattern.compile("\\b(?:class|record|interface|enum) ([A-Z]\\w*)");

  /** Everything under {@code src/main/java} of the modules. */
  static SourceTree main() throws IOException {
    return read("src/main/java");
  }

  /** Everything under {@code src/test/java}. */
  static SourceTree tests() throws IOException {
    return read("src/test/java");
  }

  private static SourceTree read(String folder) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> modules = Files.list(Markdown.ROOT)) {
      for (Path module : modules.toList()) {
        Path sources = module.resolve(folder);
        if (Files.isDirectory(sources)) {
          try (Stream<Path> found = Files.walk(sources)) {
            found
                .filter(file -> file.toString().endsWith(".java"))
                .forEach(
                    file ->
                        files.put(
                            Markdown.ROOT.relativize(file).toString().replace('\\', '/'),
                            text(file)));
          }
        }
      }
    }
    files.values().removeIf(text -> !PACKAGE.matcher(text).find());
    return new SourceTree(files);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The module of each package, whose name is without {@code dev.linformer.}. */
  Map<String, String> packages() {
    Map<String, String> packages = new TreeMap<>();
    files.forEach(
        (file, text) -> packages.put(packageOf(text), file.substring(0, file.indexOf('/'))));
    return packages;
  }

  /** The packages that each package imports from. */
  Map<String, Set<String>> uses() {
    Map<String, Set<String>> uses = new TreeMap<>();
    files.forEach(
        (file, text) -> {
          Set<String> others = uses.computeIfAbsent(packageOf(text), name -> new TreeSet<>());
          IMPORT.matcher(text).results().forEach(line -> others.add(line.group(1)));
        });
    uses.forEach((name, others) -> others.remove(name));
    return uses;
  }

  private static String packageOf(String text) {
    Matcher name = PACKAGE.matcher(text);
    return name.find() ? name.group(1) : "";
  }

  /** The text of the files that have each class, nested ones too, by its simple name. */
  Map<String, String> types() {
    Map<String, String> types = new TreeMap<>();
    for (String text : files.values()) {
      TYPE.matcher(text)
          .results()
          .forEach(type -> types.merge(type.group(1), text, String::concat));
    }
    return types;
  }

  /** All texts. */
  List<String> texts() {
    return List.copyOf(files.values());
  }
}
