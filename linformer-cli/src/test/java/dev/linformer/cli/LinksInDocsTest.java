package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Links of the documentation lead to files and headings, and pages stay short. */
class LinksInDocsTest {

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final int LONGEST_PAGE_OF_BENCHMARKS = 150;

  @Test
  void linksLeadSomewhere() throws IOException {
    List<String> broken = new ArrayList<>();
    int links = 0;
    for (Markdown page : Markdown.all()) {
      for (MatchResult link : LINK.matcher(page.prose()).results().toList()) {
        if (!link.group(1).matches("(https?|mailto):.*")) {
          links++;
          if (!leadsSomewhere(page, link.group(1))) {
            broken.add(page.name() + ": " + link.group(1));
          }
        }
      }
    }
    assertTrue(links > 100, "links are found");
    assertEquals(List.of(), broken);
  }

  private static boolean leadsSomewhere(Markdown page, String link) throws IOException {
    String[] parts = link.split("#", 2);
    Path file = Markdown.ROOT.resolve(page.name());
    Path target = parts[0].isEmpty() ? file : file.resolveSibling(parts[0]).normalize();
    if (!Files.exists(target)) {
      return false;
    }
    return parts.length == 1
        || Markdown.read(Markdown.ROOT.relativize(target).toString()).anchors().contains(parts[1]);
  }

  @Test
  void thePageOfBenchmarksIsShort() throws IOException {
    long lines = Markdown.read("docs/benchmarks.md").text().lines().count();
    assertTrue(lines <= LONGEST_PAGE_OF_BENCHMARKS, lines + " lines");
  }
}
