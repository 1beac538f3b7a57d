package dev.linformer.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.linformer.io.internal.text.PrintableText;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Texts as they may stand in a model card, wherever they come from: names in users' files, too. */
final class CardText {

  /** What Markdown or HTML would take for its own, or make a link of. */
  private static final String SPECIAL = "\\`*_[]<>()#|&~$!{}:@";

  /** Only ASCII, so that nothing in it can change how the card is shown. */
  private static final JsonMapper ASCII =
      JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private static final JsonMapper JSON = new JsonMapper();

  private CardText() {}

  /** A text as it is, in Markdown and in one line. */
  static String markdown(String text) {
    StringBuilder escaped = new StringBuilder();
    for (char character : PrintableText.excerpt(text).toCharArray()) {
      escaped.append(SPECIAL.indexOf(character) < 0 ? "" : "\\").append(character);
    }
    return escaped.toString();
  }

  /** A text in YAML, which reads those of JSON. */
  static String yaml(String text) {
    try {
      return JSON.writeValueAsString(PrintableText.excerpt(text));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a text can always be written", e);
    }
  }

  /** A whole number, its thousands apart. */
  static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  /** JSON in lines, the same on every system. */
  static String json(JsonNode node) {
    try {
      return ASCII.writer(Manifest.printer()).writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON nodes can always be written", e);
    }
  }

  /**
   * A table in Markdown.
   *
   * @param rows the first is the head
   */
  static List<String> table(List<List<String>> rows) {
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      lines.add("| " + String.join(" | ", row) + " |");
      if (lines.size() == 1) {
        lines.add("|" + "---|".repeat(row.size()));
      }
    }
    return lines;
  }
}
