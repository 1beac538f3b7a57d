package dev.linformer.ops;

import java.util.Locale;
import java.util.concurrent.Callable;

/** A default locale in which formatted numbers have other digits than 0 to 9. */
public final class ArabicDigits {

  private static final Locale EGYPT = Locale.forLanguageTag("ar-EG-u-nu-arab");

  private ArabicDigits() {}

  /** Does something there. */
  public static <T> T call(Callable<T> action) throws Exception {
    Locale all = Locale.getDefault();
    Locale format = Locale.getDefault(Locale.Category.FORMAT);
    Locale display = Locale.getDefault(Locale.Category.DISPLAY);
    Locale.setDefault(EGYPT);
    try {
      if (!isForeign(String.format(Locale.getDefault(Locale.Category.FORMAT), "%d", 6))) {
        throw new IllegalStateException("this Java has no locale of other digits");
      }
      return action.call();
    } finally {
      Locale.setDefault(all);
      Locale.setDefault(Locale.Category.FORMAT, format);
      Locale.setDefault(Locale.Category.DISPLAY, display);
    }
  }

  /** Whether a text has such digits. */
  public static boolean isForeign(String text) {
    return text.codePoints().anyMatch(point -> point > 127 && Character.isDigit(point));
  }
}
