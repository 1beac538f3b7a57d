package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/drawings/packages.dot is what the sources are; docs/drawings/draw.py writes it. */
class DrawingsTest {

  private static final Pattern MODULE =
      Pattern.compile("(?s)subgraph \"cluster_([\\w-]+)\" \\{(.*?)\\n  \\}");
  private static final Pattern NODE = Pattern.compile("(?m)^    \"([\\w.]+)\";$");
  private static final Pattern ARROW = Pattern.compile("(?m)^  \"([\\w.]+)\" -> \"([\\w.]+)\";$");

  private static final Pattern DRAWN_ARROW =
      Pattern.compile("<title>([\\w.]+)&#45;&gt;([\\w.]+)</title>");

  private static String drawing(String name) throws IOException {
    return Markdown.read("docs/drawings/" + name).text();
  }

  @Test
  void packagesAreThoseOfTheModules() throws IOException {
    Map<String, String> drawn = new TreeMap<>();
    for (MatchResult module : MODULE.matcher(drawing("packages.dot")).results().toList()) {
      NODE.matcher(module.group(2))
          .results()
          .forEach(node -> drawn.put(node.group(1), module.group(1)));
    }
    assertEquals(SourceTree.main().packages(), drawn);
  }

  /** An arrow that follows from others may be left out, none may be there that isn't true. */
  @Test
  void arrowsAreImports() throws IOException {
    Map<String, Set<String>> uses = SourceTree.main().uses();
    Map<String, Set<String>> arrows = arrows(drawing("packages.dot"), ARROW);
    arrows.forEach(
        (from, others) ->
            assertTrue(uses.getOrDefault(from, Set.of()).containsAll(others), from + others));
    uses.forEach((from, others) -> assertEquals(reached(uses, from), reached(arrows, from), from));
  }

  @Test
  void thePictureIsMadeFromTheText() throws IOException {
    assertEquals(
        arrows(drawing("packages.dot"), ARROW), arrows(drawing("packages.svg"), DRAWN_ARROW));
  }

  private static Map<String, Set<String>> arrows(String drawing, Pattern arrowText) {
    Map<String, Set<String>> arrows = new TreeMap<>();
    arrowText
        .matcher(drawing)
        .results()
        .forEach(
            arrow ->
                arrows
                    .computeIfAbsent(arrow.group(1), from -> new TreeSet<>())
                    .add(arrow.group(2)));
    return arrows;
  }

  private static Set<String> reached(Map<String, Set<String>> arrows, String from) {
    Set<String> reached = new TreeSet<>();
    Deque<String> open = new ArrayDeque<>(Set.of(from));
    while (!open.isEmpty()) {
      for (String next : arrows.getOrDefault(open.remove(), Set.of())) {
        if (reached.add(next)) {
          open.add(next);
        }
      }
    }
    return reached;
  }
}
