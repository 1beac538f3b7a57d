package dev.linformer.cli;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page of the project's documentation.
 *
 * @param name its path from the project's root
 */
record Markdown(String name, String text) {

  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Set<String> NOT_OURS = Set.of("target", "runs", "node_modules");
  private static final Pattern FENCE = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
  private static final Pattern COMMENT = Pattern.compile("(?s)<!--.*?-->");
  private static final Pattern INDENTED = Pattern.compile("(?m)^ {4}.*$");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
  private static final Pattern SPAN = Pattern.compile("`([^`]+)`");

  static Markdown read(String name) throws IOException {
    return new Markdown(name, Files.readString(ROOT.resolve(name)));
  }

  /** All pages, without those that a build or a tool put somewhere. */
  static List<Markdown> all() throws IOException {
    List<Markdown> pages = new ArrayList<>();
    Files.walkFileTree(
        ROOT,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
            String name = String.valueOf(folder.getFileName());
            boolean skipped =
                !folder.equals(ROOT) && (name.startsWith(".") || NOT_OURS.contains(name));
            return skipped ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (file.toString().endsWith(".md")) {
              pages.add(read(ROOT.relativize(file).toString().replace('\\', '/')));
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return pages;
  }

  /** The contents of all fenced blocks in a language. */
  List<String> fences(String language) {
    return FENCE
        .matcher(text)
        .results()
        .filter(block -> block.group(1).equals(language))
        .map(block -> block.group(2))
        .toList();
  }

  /** Lines of shell: of indented blocks, a line that ends with a backslash with the next. */
  List<String> commands() {
    Matcher lines = INDENTED.matcher(FENCE.matcher(text).replaceAll(""));
    String all = String.join("\n", lines.results().map(line -> line.group().strip()).toList());
    return List.of(all.replace("\\\n", " ").split("\n", -1));
  }

  /** What a reader reads, without blocks of code. */
  String prose() {
    String visible = COMMENT.matcher(FENCE.matcher(text).replaceAll("")).replaceAll("");
    return INDENTED.matcher(visible).replaceAll("");
  }

  /** The prose in one line. */
  String words() {
    return prose().replaceAll("\\s+", " ");
  }

  /** Everything between backticks in the prose. */
  Set<String> spans() {
    Set<String> spans = new LinkedHashSet<>();
    SPAN.matcher(words()).results().forEach(span -> spans.add(span.group(1)));
    return spans;
  }

  /** The anchors that GitHub gives the headings. */
  Set<String> anchors() {
    Map<String, Integer> times = new HashMap<>();
    Set<String> anchors = new LinkedHashSet<>();
    HEADING
        .matcher(FENCE.matcher(text).replaceAll(""))
        .results()
        .map(heading -> anchor(heading.group(1)))
        .forEach(
            anchor -> {
              int earlier = times.merge(anchor, 1, Integer::sum) - 1;
              anchors.add(earlier == 0 ? anchor : anchor + "-" + earlier);
            });
    return anchors;
  }

  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }

  /** The rows below a table's head, a list of cells each; empty if there is no such table. */
  List<List<String>> table(String firstColumn, String secondColumn) {
    List<List<String>> rows = new ArrayList<>();
    boolean inside = false;
    for (String line : text.split("\n", -1)) {
      if (line.startsWith("| " + firstColumn + " | " + secondColumn + " |")) {
        inside = true;
      } else if (!line.startsWith("|")) {
        inside = false;
      } else if (inside && !line.startsWith("|---")) {
        rows.add(List.of(line.substring(1).strip().split(" *\\| *", -1)));
      }
    }
    return rows;
  }
}
