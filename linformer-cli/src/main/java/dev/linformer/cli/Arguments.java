package dev.linformer.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether the command line's arguments came through. Java reads them, and names of files, in the
 * encoding of the locale; a byte that means nothing there is a replacement character from then on.
 */
final class Arguments {

  private static final char REPLACEMENT = '\ufffd';

  private Arguments() {}

  /** What was lost, and what would do; null if nothing was. */
  static @Nullable String lost(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add(System.getProperty("user.dir", ""));
    for (String each : all) {
      if (each.indexOf(REPLACEMENT) >= 0) {
        return "%s has characters that Java can't read in this locale's encoding, %s; set LC_ALL=C.UTF-8, and give texts and names in UTF-8"
            .formatted(each, System.getProperty("sun.jnu.encoding"));
      }
    }
    return null;
  }
}
