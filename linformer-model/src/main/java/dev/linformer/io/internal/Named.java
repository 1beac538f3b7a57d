package dev.linformer.io.internal;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A constant with a name in JSON and on the command line that isn't its own in lower case. */
public interface Named {

  /** The name. */
  String key();

  /** Other names that are read as this one, and never written. */
  default List<String> otherKeys() {
    return List.of();
  }

  /** Whether a text, in either case, names the constant. */
  static boolean isCalled(Enum<?> constant, String text) {
    return constant.name().equalsIgnoreCase(text)
        || (constant instanceof Named named
            && named.otherKeys().stream().anyMatch(text::equalsIgnoreCase));
  }

  /** A constant's name in JSON and on the command line: in lower case unless it says otherwise. */
  static String key(Enum<?> constant) {
    return constant instanceof Named named ? named.key() : constant.name().toLowerCase(Locale.ROOT);
  }

  /** The names of all constants, for a message. */
  static <E extends Enum<E>> String keys(Class<E> type) {
    return Arrays.stream(type.getEnumConstants()).map(Named::key).collect(Collectors.joining(", "));
  }

  /**
   * The constant of a name, as {@link #key(Enum)} gives it.
   *
   * @param what is named, for the message: {@code "format"}
   * @throws InvalidInputException if there is none of that name; it lists those there are
   */
  static <E extends Enum<E>> E parse(String what, Class<E> type, String key) {
    return Arrays.stream(type.getEnumConstants())
        .filter(each -> key(each).equals(key))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "%s %s, but one of %s is expected".formatted(what, key, keys(type))));
  }
}
