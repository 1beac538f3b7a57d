package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The labels of a table as classes: whole numbers from 0 are the classes' own numbers; other labels
 * are numbered in the order of the alphabet.
 */
final class Labels {

  private static final Pattern NUMBER = Pattern.compile("\\d{1,9}");

  /** Classes for each label: numbers that leave out more are no classes, but years for instance. */
  private static final int MOST_CLASSES = 10;

  /** So few classes cost nothing, whichever of them are empty. */
  private static final int ALWAYS_FINE = 1000;

  private static final int SHOWN = 5;

  private final String data;
  private final Map<String, Long> lines;
  private final boolean numbers;
  private final List<String> sorted;

  /**
   * @param data the table, for messages
   * @param lines each label with the line where it is first met
   */
  Labels(String data, Map<String, Long> lines) {
    this.data = data;
    this.lines = lines;
    numbers = lines.keySet().stream().allMatch(label -> NUMBER.matcher(label).matches());
    Comparator<String> order =
        numbers ? Comparator.comparingInt(Integer::parseInt) : Comparator.naturalOrder();
    sorted = lines.keySet().stream().sorted(order).toList();
  }

  /** How many classes there are: one more than the largest number, or as many as words. */
  int needed() {
    return numbers ? Integer.parseInt(last()) + 1 : sorted.size();
  }

  private String last() {
    return sorted.get(sorted.size() - 1);
  }

  /**
   * {@link #needed}, for a model that has as many.
   *
   * @throws InvalidInputException if there is nothing to tell apart, or if numbers are no classes
   */
  int classes() {
    if (sorted.size() < 2) {
      throw new InvalidInputException(
          "--data %s: every row has the label %s, but at least 2 labels are expected"
              .formatted(data, PrintableText.excerpt(last())));
    }
    if (needed() > Math.max(ALWAYS_FINE, MOST_CLASSES * (long) sorted.size())) {
      throw new InvalidInputException(
          "--data %s, line %s: label %s, but numbers count classes from 0, and there are only %s labels; number them from 0, write words such as c%s, or set num_classes to %s"
              .formatted(data, lines.get(last()), last(), sorted.size(), last(), needed()));
    }
    return needed();
  }

  /**
   * The class of each label, in the order in which they are met.
   *
   * @param classes of the model
   * @throws InvalidInputException if there are more labels
   */
  int[] numbered(int classes) {
    String cure = "set num_classes to %s, or leave it out".formatted(needed());
    if (!numbers && needed() > classes) {
      throw new InvalidInputException(
          "--data %s: %s labels (%s%s), but num_classes = %s; %s"
              .formatted(
                  data,
                  needed(),
                  sorted.stream()
                      .limit(SHOWN)
                      .map(PrintableText::excerpt)
                      .collect(Collectors.joining(", ")),
                  needed() > SHOWN ? ", …" : "",
                  classes,
                  cure));
    }
    int[] numbered = new int[lines.size()];
    int i = 0;
    for (Map.Entry<String, Long> label : lines.entrySet()) {
      int number = numbers ? Integer.parseInt(label.getKey()) : sorted.indexOf(label.getKey());
      if (number >= classes) {
        throw new InvalidInputException(
            "--data %s, line %s: label %s, but 0 to num_classes - 1 = %s is expected; %s"
                .formatted(data, label.getValue(), label.getKey(), classes - 1, cure));
      }
      numbered[i++] = number;
    }
    return numbered;
  }

  /** The name of each class of a model. */
  List<String> names(int classes) {
    return numbers ? IntStream.range(0, classes).mapToObj(Integer::toString).toList() : sorted;
  }
}
