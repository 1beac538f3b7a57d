package dev.linformer.ops.internal;

import java.util.IllformedLocaleException;
import java.util.Locale;

/**
 * The digits 0 to 9 in what Java formats. TensorFlow Java numbers operations of one name with the
 * digits of the default locale, and TensorFlow takes no others in names.
 */
public final class PlainDigits {

  private PlainDigits() {}

  /**
   * Makes sure of them before a graph is built: where the process's default locale writes numbers
   * in other digits, such as ar-EG, it is the same locale with these from then on, for formatting.
   */
  public static void ensure() {
    Locale locale = Locale.getDefault(Locale.Category.FORMAT);
    if (!arePlain(locale)) {
      Locale.setDefault(Locale.Category.FORMAT, withPlain(locale));
    }
  }

  private static boolean arePlain(Locale locale) {
    return String.format(locale, "%d", 0).equals("0");
  }

  private static Locale withPlain(Locale locale) {
    try {
      Locale plain =
          new Locale.Builder().setLocale(locale).setUnicodeLocaleKeyword("nu", "latn").build();
      return arePlain(plain) ? plain : Locale.ROOT;
    } catch (IllformedLocaleException e) {
      return Locale.ROOT;
    }
  }
}
