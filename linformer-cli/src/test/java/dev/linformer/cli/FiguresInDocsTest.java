package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Measured figures come from the JSON that the page cites.
 *
 * <p>A comment {@code <!-- figures: FILE} has a line for each figure of its section: {@code 6.54 ms
 * = PATH}, where a path has keys with {@code " / "} between. Of a list a key takes the element of
 * that name, or the one that has all values of {@code key=value key=value}. {@code 2.14 times =
 * PATH over PATH} is a ratio, {@code 80 to 160 s = PATH to PATH} two figures. The figure is the
 * value of the file, rounded to the digits that are shown.
 */
class FiguresInDocsTest {

  private static final Pattern SECTION = Pattern.compile("(?m)^(?=##+ )");
  private static final Pattern COMMENT = Pattern.compile("(?s)<!-- figures: (\\S+)\\n(.*?)\\n?-->");
  private static final Pattern FIGURE =
      Pattern.compile(
          "\\d[\\d.,]*(?: to \\d[\\d.,]*)? (?:ms|µs|s|seconds|[KMG]i?B|%|times|steps|tokens)(?!\\w)");
  private static final Pattern NUMBER = Pattern.compile("\\d[\\d.,]*");

  @Test
  void figuresAreThoseOfTheirFiles() throws IOException {
    int figures = 0;
    for (Markdown page : Markdown.all()) {
      for (String section : SECTION.split(page.text(), -1)) {
        String visible = new Markdown(page.name(), section).words();
        for (MatchResult comment : COMMENT.matcher(section).results().toList()) {
          JsonNode json = new ObjectMapper().readTree(Markdown.read(comment.group(1)).text());
          String link = "]\\([^)]*" + Pattern.quote(comment.group(1)) + "\\)";
          assertTrue(
              Pattern.compile(link).matcher(section).find(),
              () -> page.name() + " does not cite " + comment.group(1));
          for (String line : comment.group(2).split("\n", -1)) {
            check(page.name(), line, visible, json);
            figures++;
          }
        }
      }
    }
    assertTrue(figures > 20, "figures are found");
  }

  @Test
  void everyFigureOfTheReadmeHasAFile() throws IOException {
    List<String> withoutFile = new ArrayList<>();
    for (String section : SECTION.split(Markdown.read("README.md").text(), -1)) {
      Set<String> cited =
          COMMENT
              .matcher(section)
              .results()
              .flatMap(comment -> Stream.of(comment.group(2).split("\n", -1)))
              .map(line -> line.substring(0, line.indexOf(" = ")))
              .collect(Collectors.toCollection(TreeSet::new));
      FIGURE
          .matcher(new Markdown("README.md", section).words())
          .results()
          .map(MatchResult::group)
          .filter(figure -> !cited.contains(figure))
          .forEach(withoutFile::add);
    }
    assertEquals(List.of(), withoutFile);
  }

  @Test
  void aFigureThatIsNotInItsFileIsSeen() throws IOException {
    JsonNode json = new ObjectMapper().readTree("{\"works\": [{\"name\": \"a\", \"ms\": 6.546}]}");
    check("page", "6.55 ms = works / a / ms", "6.55 ms", json);
    assertThrows(
        AssertionError.class, () -> check("page", "6.54 ms = works / a / ms", "6.54 ms", json));
    assertThrows(
        AssertionError.class, () -> check("page", "6.55 ms = works / a / ms", "7 ms", json));
    assertThrows(
        AssertionError.class, () -> check("page", "6.55 ms = works / b / ms", "6.55 ms", json));
  }

  private static void check(String page, String line, String visible, JsonNode json) {
    String where = page + ": " + line;
    String[] sides = line.split(" = ", 2);
    assertEquals(2, sides.length, where);
    assertTrue(visible.contains(sides[0]), () -> where + ": not in the section");
    List<String> shown =
        NUMBER.matcher(sides[0]).results().map(number -> number.group().replace(",", "")).toList();
    String[] paths = sides[1].split(" to ", -1);
    assertEquals(shown.size(), paths.length, where);
    for (int i = 0; i < paths.length; i++) {
      BigDecimal number = new BigDecimal(shown.get(i));
      assertEquals(
          number,
          value(json, paths[i], where).setScale(number.scale(), RoundingMode.HALF_UP),
          where);
    }
  }

  private static BigDecimal value(JsonNode json, String paths, String where) {
    String[] parts = paths.split(" over ", -1);
    BigDecimal value = number(json, parts[0], where);
    return parts.length == 1
        ? value
        : value.divide(number(json, parts[1], where), MathContext.DECIMAL64);
  }

  private static BigDecimal number(JsonNode json, String path, String where) {
    JsonNode node = json;
    for (String key : path.split(" / ", -1)) {
      node = node.isArray() ? element(node, key, where) : node.path(key);
    }
    JsonNode value = node;
    assertTrue(value.isNumber(), () -> where + ": " + path + " is no number, but " + value);
    return value.decimalValue();
  }

  private static JsonNode element(JsonNode list, String key, String where) {
    List<JsonNode> elements = new ArrayList<>();
    for (JsonNode element : list) {
      if (element.path("name").asText().equals(key) || hasAll(element, key)) {
        elements.add(element);
      }
    }
    assertEquals(1, elements.size(), () -> where + ": elements that are " + key);
    return elements.get(0);
  }

  private static boolean hasAll(JsonNode element, String conditions) {
    for (String condition : conditions.split(" ", -1)) {
      Matcher parts = Pattern.compile("(\\w+)=(.*)").matcher(condition);
      if (!parts.matches() || !element.path(parts.group(1)).asText().equals(parts.group(2))) {
        return false;
      }
    }
    return true;
  }
}
