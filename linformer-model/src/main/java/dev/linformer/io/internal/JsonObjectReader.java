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
  private final KeyNames names;

  /**
   * @param source where the object comes from, for messages
   */
  public JsonObjectReader(String source, ObjectNode object) {
    this(source, object, new KeyNames());
  }

  private JsonObjectReader(String source, ObjectNode object, KeyNames names) {
    this.source = source;
    this.object = object;
    this.names = names;
  }

  /**
   * The same object under keys that begin with a prefix, which need not be written.
   *
   * @param without keys that have no prefix
   */
  public JsonObjectReader prefixed(String start, String... without) {
    return new JsonObjectReader(source, object, names.prefixed(start, List.of(without)));
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
    return object.hasNonNull(names.full(key));
  }

  /**
   * Of a key's two names the one that stands there, the first if none does.
   *
   * @throws InvalidInputException if both do, with different values
   */
  public String given(String name, String otherName) {
    JsonNode value = take(name);
    JsonNode other = take(otherName);
    if (value != null && other != null && !value.equals(other)) {
      throw invalid(
          name,
          value,
          "the value of %s, which is %s, since both name one setting; leave one of them out"
              .formatted(names.full(otherName), PrintableText.excerpt(other)));
    }
    return value == null && other != null ? otherName : name;
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
    names.refuseOthers(source, object);
  }

  /** The error for a value that is no good: which key, which value, what would do. */
  public InvalidInputException invalid(String key, Object value, String wanted) {
    return new InvalidInputException(
        "%s: %s = %s, but %s is expected"
            .formatted(source, names.full(key), PrintableText.excerpt(value), wanted));
  }

  private JsonNode required(String key) {
    JsonNode node = take(key);
    if (node == null) {
      throw new InvalidInputException(
          "%s: key \"%s\" is missing".formatted(source, names.full(key)));
    }
    return node;
  }

  private @Nullable JsonNode take(String key) {
    JsonNode node = object.get(names.ask(key));
    return node == null || node.isNull() ? null : node;
  }
}
