package dev.linformer.io.internal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.function.BiConsumer;

/**
 * A JSON object out of a file: UTF-8, a byte-order mark at its beginning or none, no key twice,
 * nothing behind it, and no deeper, longer or larger parts than anyone needs.
 */
public final class JsonText {

  private static final int DEEPEST = 100;
  private static final int LONGEST_KEY = 50_000;
  private static final int LONGEST_TEXT = 20_000_000;
  private static final int LONGEST_NUMBER = 1000;

  private static final JsonMapper MAPPER =
      new JsonMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNestingDepth(DEEPEST)
                      .maxNameLength(LONGEST_KEY)
                      .maxStringLength(LONGEST_TEXT)
                      .maxNumberLength(LONGEST_NUMBER)
                      .build())
              .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
              // A table of keys seen, which keys made for it can fill unevenly.
              .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
              .build());

  /** Where Jackson's messages begin to speak of Jackson. */
  private static final List<String> OF_JACKSON =
      List.of(": enable `", " (for ", " (start marker", " (not recognized", " [Source", " `");

  private JsonText() {}

  /**
   * The whole object.
   *
   * @param source where it comes from, for messages
   * @throws InvalidInputException if it is none; names the line
   */
  public static ObjectNode object(String source, byte[] json) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    forEach(source, json, object::set);
    return object;
  }

  /** An object as it comes back from its text: two that are written alike are equal. */
  public static ObjectNode normalized(ObjectNode object) {
    return object("", object.toString().getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Gives one key after the other with its value, in their order.
   *
   * @param source where it comes from, for messages
   * @throws InvalidInputException if it is no object; names the line
   */
  public static void forEach(String source, byte[] json, BiConsumer<String, JsonNode> use) {
    try (JsonParser parser = MAPPER.createParser(decoded(source, json))) {
      try {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
          throw new InvalidInputException(source + ": a JSON object {…} is expected");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String key = parser.currentName();
          parser.nextToken();
          use.accept(key, MAPPER.readTree(parser));
        }
        if (parser.nextToken() != null) {
          throw invalid(source, parser, "something stands after its end");
        }
      } catch (JsonProcessingException e) {
        throw invalid(source, parser, words(e));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a text in memory", e);
    }
  }

  private static InvalidInputException invalid(String source, JsonParser at, String problem) {
    return new InvalidInputException(
        "%s: not valid JSON, line %s: %s"
            .formatted(source, at.currentLocation().getLineNr(), problem));
  }

  private static String words(JsonProcessingException e) {
    String said = String.valueOf(e.getOriginalMessage());
    if (e instanceof StreamConstraintsException) {
      if (said.contains("nesting depth")) {
        return "nested deeper than %s levels".formatted(DEEPEST);
      } else if (said.startsWith("Number")) {
        return "a number of more than %s digits".formatted(LONGEST_NUMBER);
      } else if (said.startsWith("Name")) {
        return "a key of more than %s characters".formatted(LONGEST_KEY);
      }
      return "a text of more than %s characters".formatted(LONGEST_TEXT);
    }
    if (e instanceof JsonEOFException) {
      return "it ends too early";
    }
    for (String mark : OF_JACKSON) {
      int at = said.indexOf(mark);
      said = at < 0 ? said : said.substring(0, at);
    }
    return PrintableText.excerpt(said);
  }

  private static String decoded(String source, byte[] json) {
    if (isUtf16(json)) {
      throw new InvalidInputException(
          source + ": is text in UTF-16, and UTF-8 is expected: save it as UTF-8");
    }
    ByteBuffer bytes = ByteBuffer.wrap(json);
    if (json.length >= 3 && (bytes.getShort(0) & 0xffff) == 0xefbb && json[2] == (byte) 0xbf) {
      bytes.position(3); // a byte-order mark
    }
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CharBuffer text = CharBuffer.allocate(bytes.remaining()); // a byte makes no more than one
    CoderResult result = decoder.decode(bytes, text, true);
    if (result.isError()) {
      int line = 1;
      for (int i = 0; i < bytes.position(); i++) {
        line += json[i] == '\n' ? 1 : 0;
      }
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: line %s is no text in UTF-8, its byte 0x%02x at %s is none: save it as UTF-8",
              source,
              line,
              json[bytes.position()] & 0xff,
              bytes.position()));
    }
    return text.flip().toString();
  }

  /** Every JSON text begins with two ASCII characters; a mark tells, or where the zeros are. */
  private static boolean isUtf16(byte[] json) {
    if (json.length < 2) {
      return false;
    }
    int start = (json[0] & 0xff) << 8 | (json[1] & 0xff);
    return start == 0xfffe || start == 0xfeff || (json[0] == 0) != (json[1] == 0);
  }
}
