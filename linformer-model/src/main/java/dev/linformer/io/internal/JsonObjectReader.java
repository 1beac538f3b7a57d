package dev.linformer.io.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object whose keys are taken one by one, each with its type checked; what nobody took is
 * refused by name at the end.
 */
public final class JsonObjectReader {

  private final String source;
  private final ObjectNode object;
  private final List<String> known;
  private final String prefix;
  private final List<String> common;

  /**
   * @param source where the object comes from, for messages
   */
  public JsonObjectReader(String source, ObjectNode object) {
    this(source, object, new ArrayList<>(), "", List.of());
  }

  private JsonObjectReader(
      String source, ObjectNode object, List<String> known, String prefix, List<String> common) {
    this.source = source;
    this.object = object;
    this.known = known;
    this.prefix = prefix;
    this.common = common;
  }

  /**
   * The same object under keys that begin with a prefix, which need not be written.
   *
   * @param without keys that have no prefix
   */
  public JsonObjectReader prefixed(String start, String... without) {
    return new JsonObjectReader(source, object, known, start, List.of(without));
  }

  /** An object as it comes back from its text: two that are written alike are equal. */
  public static ObjectNode normalized(ObjectNode object) {
    return JsonText.object("", object.toString().getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Reads a text.
   *
   * @param source where the text comes from, for messages
   * @throws InvalidInputException if it isn't a JSON object
   */
  public static JsonObjectReader parse(String source, String json) {
    return new JsonObjectReader(
        source, JsonText.object(source, json.getBytes(StandardCharsets.UTF_8)));
  }

  /** A copy of the whole object. */
  public ObjectNode copy() {
    return object.deepCopy();
  }

  private String full(String key) {
    return common.contains(key) ? key : prefix + key;
  }

  /**
   * Reads a file, or what a shell's {@code <(…)} gives.
   *
   * @throws InvalidInputException if there is no such file or it isn't a JSON object
   */
  public static JsonObjectReader read(Path file) {
    return new JsonObjectReader(file.toString(), JsonFile.object(file));
  }

  /**
   * Reads a resource that is part of the program.
   *
   * @throws IOException if it cannot be read
   */
  public static JsonObjectReader resource(Class<?> beside, String name) throws IOException {
    try (InputStream stream = beside.getResourceAsStream(name)) {
      byte[] json = Objects.requireNonNull(stream, name).readAllBytes();
      return new JsonObjectReader(name, JsonText.object(name, json));
    }
  }

  /** Whether the key stands there, and isn't null. */
  public boolean has(String key) {
    return object.hasNonNull(full(key));
  }

  /** An object inside this one, to be taken apart in turn. */
  public JsonObjectReader object(String key) {
    JsonNode node = required(key);
    if (node instanceof ObjectNode inner) {
      return new JsonObjectReader(source + ", " + key, inner);
    }
    throw invalid(key, node, "an object {…}");
  }

  /** A list of objects inside this one, each to be taken apart in turn. */
  public List<JsonObjectReader> objects(String key) {
    JsonNode node = required(key);
    String wanted = "a list of objects [{…}]";
    if (!node.isArray()) {
      throw invalid(key, node, wanted);
    }
    List<JsonObjectReader> objects = new ArrayList<>();
    for (JsonNode element : node) {
      if (!(element instanceof ObjectNode inner)) {
        throw invalid(key, node, wanted);
      }
      objects.add(new JsonObjectReader(source + ", " + key, inner));
    }
    return objects;
  }

  /** A whole number that must be given. */
  public int integer(String key) {
    return integer(key, required(key));
  }

  /** A whole number, {@code unset} where the key is absent or null. */
  public int integer(String key, int unset) {
    JsonNode node = take(key);
    return node == null ? unset : integer(key, node);
  }

  /** A whole number, or null where the key is absent or null. */
  public @Nullable Integer optionalInteger(String key) {
    JsonNode node = take(key);
    return node == null ? null : Integer.valueOf(integer(key, node));
  }

  private int integer(String key, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw invalid(key, node, "a whole number");
    }
    return node.intValue();
  }

  /** A whole number of 64 bits that must be given. */
  public long longInteger(String key) {
    JsonNode node = required(key);
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw invalid(key, node, "a whole number");
    }
    return node.longValue();
  }

  /** A number that must be given. */
  public double number(String key) {
    return number(key, required(key));
  }

  /** A number, {@code unset} where the key is absent or null. */
  public double number(String key, double unset) {
    JsonNode node = take(key);
    return node == null ? unset : number(key, node);
  }

  /** A number, or null where the key is absent or null. */
  public @Nullable Double optionalNumber(String key) {
    JsonNode node = take(key);
    return node == null ? null : Double.valueOf(number(key, node));
  }

  private double number(String key, JsonNode node) {
    if (!node.isNumber()) {
      throw invalid(key, node, "a number");
    }
    return node.doubleValue();
  }

  /** true or false, {@code unset} where the key is absent or null. */
  public boolean flag(String key, boolean unset) {
    Boolean given = optionalFlag(key);
    return given == null ? unset : given;
  }

  /** True or false; null where the key is absent or null. */
  public @Nullable Boolean optionalFlag(String key) {
    JsonNode node = take(key);
    if (node != null && !node.isBoolean()) {
      throw invalid(key, node, "true or false");
    }
    return node == null ? null : Boolean.valueOf(node.booleanValue());
  }

  /** A text, {@code unset} where the key is absent or null. */
  public String text(String key, String unset) {
    JsonNode node = take(key);
    if (node == null) {
      return unset;
    }
    if (!node.isTextual()) {
      throw invalid(key, node, "a text in quotes");
    }
    return node.textValue();
  }

  /** A list of texts; a single text counts as a list of one, an absent key as none. */
  public List<String> texts(String key) {
    JsonNode node = take(key);
    if (node == null) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode element : node.isTextual() ? List.of(node) : node) {
      if (!element.isTextual()) {
        throw invalid(key, node, "a list of texts [\"…\"]");
      }
      texts.add(element.textValue());
    }
    if (texts.isEmpty()) {
      throw invalid(key, node, "a list of texts [\"…\"]");
    }
    return texts;
  }

  /** A whole number of 64 bits, {@code unset} where the key is absent or null. */
  public long longInteger(String key, long unset) {
    if (!has(key)) {
      take(key);
      return unset;
    }
    return longInteger(key);
  }

  /** One of an enum's constants by its name, in either case. */
  public <E extends Enum<E>> E choice(String key, E unset) {
    E given = optionalChoice(key, unset.getDeclaringClass());
    return given == null ? unset : given;
  }

  /**
   * One of an enum's constants by its name, in either case; null where the key is absent or null.
   */
  public <E extends Enum<E>> @Nullable E optionalChoice(String key, Class<E> type) {
    if (!has(key)) {
      take(key);
      return null;
    }
    String text = text(key, "");
    return Arrays.stream(type.getEnumConstants())
        .filter(constant -> Named.isCalled(constant, text))
        .findFirst()
        .orElseThrow(() -> invalid(key, text, "one of " + Named.keys(type)));
  }

  /**
   * @throws InvalidInputException if a key was not taken, with the known ones
   */
  public void refuseTheRest() {
    Iterator<String> names = object.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!known.contains(name)) {
        throw new InvalidInputException(
            "%s: unknown key \"%s\"; known are %s"
                .formatted(source, PrintableText.excerpt(name), String.join(", ", known)));
      }
    }
  }

  /** The error for a value that is no good: which key, which value, what would do. */
  public InvalidInputException invalid(String key, Object value, String wanted) {
    return new InvalidInputException(
        "%s: %s = %s, but %s is expected"
            .formatted(source, full(key), PrintableText.excerpt(value), wanted));
  }

  private JsonNode required(String key) {
    JsonNode node = take(key);
    if (node == null) {
      throw new InvalidInputException("%s: key \"%s\" is missing".formatted(source, full(key)));
    }
    return node;
  }

  private @Nullable JsonNode take(String key) {
    known.add(full(key));
    JsonNode node = object.get(full(key));
    return node == null || node.isNull() ? null : node;
  }
}
