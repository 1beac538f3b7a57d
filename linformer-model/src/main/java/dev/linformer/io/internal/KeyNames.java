package dev.linformer.io.internal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The names of the keys that a reader asked an object for; others in it are mistakes.
 *
 * @param asked so far, as they stand in the object
 * @param prefix what they begin with there, and the reader doesn't say
 * @param withoutPrefix keys that have no prefix
 */
record KeyNames(List<String> asked, String prefix, List<String> withoutPrefix) {

  /** None asked for yet, and no prefix. */
  KeyNames() {
    this(new ArrayList<>(), "", List.of());
  }

  /** Those of the same object, with a prefix. */
  KeyNames prefixed(String start, List<String> without) {
    return new KeyNames(asked, start, without);
  }

  /** A key as it stands in the object. */
  String full(String key) {
    return withoutPrefix.contains(key) ? key : prefix + key;
  }

  /** As {@link #full}, of a key that is asked for. */
  String ask(String key) {
    String name = full(key);
    asked.add(name);
    return name;
  }

  /**
   * @throws InvalidInputException if an object has a key that was not asked for
   */
  void refuseOthers(String source, ObjectNode object) {
    Iterator<String> names = object.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!asked.contains(name)) {
        throw new InvalidInputException(
            "%s: unknown key \"%s\"; known are %s"
                .formatted(source, PrintableText.excerpt(name), String.join(", ", asked)));
      }
    }
  }
}
