package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Errors that TROUBLESHOOTING.md quotes exist. A quote is a line of a block that begins with three
 * backticks and {@code text}; {@code …} in it stands for any text.
 */
class ErrorsInDocsTest {

  /** What others say: TensorFlow, JavaCPP, the JVM and the operating system. */
  private static final Set<String> OF_OTHERS =
      Set.of(
          "java.lang.UnsatisfiedLinkError: no jnitensorflow in java.library.path: …",
          "java.lang.NoClassDefFoundError: Could not initialize class org.tensorflow.Graph",
          "java.lang.OutOfMemoryError: Physical memory usage is too high: physicalBytes (2052M) >"
              + " maxPhysicalBytes (2048M)",
          "java.lang.NoSuchMethodError: … com.google.protobuf … at dev.linformer.export.OnnxGraph",
          "IllegalArgumentException: invalid name: 'a/b' does not match the regular expression"
              + " [A-Za-z0-9.][A-Za-z0-9_.\\-]*",
          "IllegalStateException: Graph has un-ran initializers, but the session's autoInit is"
              + " false.  Run Session.initialize() before calling run().",
          "TensorFlowException: No gradient defined for op: SparseSoftmaxCrossEntropyWithLogits.",
          "linformer train: runs/…/checkpoints/step-00001500/model.safetensors: No space left on"
              + " device");

  private static final char ANY = '\0';
  private static final int LEAST_LETTERS = 20; // that a format has of its own
  private static final double LEAST_SHARE = 0.8; // of them that a quote shows

  private static final Pattern COMMENT_LINE = Pattern.compile("(?m)^\\s*(?://|\\*|/\\*).*$");
  private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"");
  private static final Pattern SPECIFIER =
      Pattern.compile("%(?:\\d+\\$)?[-,+#0 (]*\\d*(?:\\.\\d+)?[sdfegxXc]");
  private static final Pattern MESSAGE_OF_BUILD = Pattern.compile("<message>(.*?)</message>");

  @Test
  void quotedErrorsExist() throws IOException {
    List<String> formats = formats();
    List<String> quotes =
        Markdown.read("TROUBLESHOOTING.md").fences("text").stream()
            .flatMap(String::lines)
            .filter(line -> !line.isBlank())
            .toList();
    assertFalse(quotes.isEmpty());
    assertEquals(
        List.of(),
        quotes.stream()
            .filter(quote -> !OF_OTHERS.contains(quote) && !exists(quote, formats))
            .toList(),
        "quoted in TROUBLESHOOTING.md, but no such message is in the sources");
    assertEquals(
        List.of(), OF_OTHERS.stream().filter(text -> !quotes.contains(text)).toList(), "no quote");
  }

  @Test
  void anErrorThatIsNotInTheSourcesIsSeen() throws IOException {
    List<String> formats = formats();
    assertFalse(exists("checkpoint_level = C2 is not built yet; C0 is expected", formats));
    assertFalse(exists("… is not built yet …", formats));
  }

  private static boolean exists(String quote, List<String> formats) {
    String pattern = quote.replaceFirst("^linformer( [a-z-]+)?: ", "").replace('…', ANY);
    return formats.stream()
        .anyMatch(format -> common(pattern, format) >= LEAST_SHARE * letters(format));
  }

  private static long letters(String format) {
    return format.chars().filter(letter -> letter != ANY).count();
  }

  /** All texts in the sources that may be messages, with {@link #ANY} for what is filled in. */
  private static List<String> formats() throws IOException {
    List<String> formats = new ArrayList<>();
    for (String source : SourceTree.main().texts()) {
      addFormats(COMMENT_LINE.matcher(source).replaceAll(""), formats);
    }
    MESSAGE_OF_BUILD
        .matcher(Files.readString(Markdown.ROOT.resolve("pom.xml")))
        .results()
        .forEach(message -> formats.add(message.group(1)));
    return formats.stream().filter(format -> letters(format) >= LEAST_LETTERS).toList();
  }

  /** Literals of a source; those that are added up, also with other things between, are one. */
  private static void addFormats(String source, List<String> formats) {
    StringBuilder format = new StringBuilder();
    int end = -1;
    for (MatchResult literal : LITERAL.matcher(source).results().toList()) {
      String between = end < 0 ? ";" : source.substring(end, literal.start()).strip();
      boolean added = between.equals("+");
      boolean addedWithMore =
          !added && between.startsWith("+") && between.endsWith("+") && !between.contains(";");
      if (addedWithMore) {
        format.append(ANY);
      } else if (!added) {
        formats.add(format + (between.startsWith("+") ? ANY + "" : ""));
        format.setLength(0);
        if (between.endsWith("+")) {
          format.append(ANY);
        }
      }
      String text = literal.group(1).replace("\\\"", "\"").replace("\\\\", "\\");
      format.append(SPECIFIER.matcher(text).replaceAll(ANY + "").replace("%%", "%"));
      end = literal.end();
    }
    formats.add(format.toString());
  }

  /**
   * How many letters of two patterns stand for each other where they describe one text, in the best
   * way of laying them side by side; negative if no text has both.
   */
  private static int common(String left, String right) {
    int columns = right.length();
    int never = Integer.MIN_VALUE / 2;
    int[] below = new int[columns + 1];
    Arrays.fill(below, never);
    for (int i = left.length(); i >= 0; i--) {
      int[] row = new int[columns + 1];
      for (int j = columns; j >= 0; j--) {
        boolean leftAny = i < left.length() && left.charAt(i) == ANY;
        boolean rightAny = j < columns && right.charAt(j) == ANY;
        int best = i == left.length() && j == columns ? 0 : never;
        if (leftAny || (rightAny && i < left.length())) {
          best = Math.max(best, below[j]);
        }
        if (rightAny || (leftAny && j < columns)) {
          best = Math.max(best, row[j + 1]);
        }
        if (!leftAny && i < left.length() && j < columns && left.charAt(i) == right.charAt(j)) {
          best = Math.max(best, 1 + below[j + 1]);
        }
        row[j] = best;
      }
      below = row;
    }
    return below[0];
  }
}
