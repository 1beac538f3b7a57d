package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Long ListOps: nested list operations on digits, whose value is the class to predict.
 *
 * <p>In {@code [MAX 2 9 [MIN 4 7 ] 0 ]} the value is 9. Operators are MIN, MAX, MED (the median,
 * its half cut off) and SM (the sum modulo 10). A token is 0 for padding, 1 to 10 for the digits 0
 * to 9, 11 to 14 for the operators with their opening bracket, 15 for the closing one.
 *
 * <p>Source: Nangia and Bowman 2018 (arXiv 1804.06028) in the form of Long Range Arena (arXiv
 * 2011.04006, {@code lra_benchmarks/data/listops.py}). The distribution is the same; the released
 * files cannot be had from a seed, so these expressions are others.
 */
public final class ListOps {
  /** Token of no symbol, behind a sequence's end. */
  public static final int PAD = 0;

  /** Number of token ids, padding included. */
  public static final int VOCABULARY_SIZE = 16;

  /** Number of labels: the digits. */
  public static final int CLASSES = 10;

  static final int FIRST_DIGIT = 1;
  static final int FIRST_OPERATOR = 11;
  static final int OPERATORS = 4;
  static final int CLOSE = 15;

  private static final List<String> WORDS =
      List.of(
          "<pad>", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "[MIN", "[MAX", "[MED", "[SM",
          "]");

  /** Tries in a row without a new expression after which there are taken to be no more. */
  private static final int PATIENCE = 1_000_000;

  /**
   * Bounds on expressions.
   *
   * @param minLength tokens that an expression must have more of
   * @param maxLength tokens that an expression must have less of
   * @param maxDepth depth at which only digits are drawn; the root has depth 1
   * @param maxArguments most arguments of an operator; the least are 2
   */
  public record Settings(int minLength, int maxLength, int maxDepth, int maxArguments) {
    /** 500 to 2,000 tokens, depth 10, 10 arguments. */
    public static final Settings LONG_RANGE_ARENA = new Settings(500, 2000, 10, 10);

    /**
     * Checks the bounds.
     *
     * @throws InvalidInputException if no expression can meet them
     */
    public Settings {
      if (minLength < 1
          || maxLength < 5
          || maxLength - 1 <= minLength
          || maxDepth < 2
          || maxArguments < 2) {
        throw new InvalidInputException(
            String.format(
                "no ListOps expression has %s < length < %s, maxDepth %s and maxArguments %s:"
                    + " needed are minLength 1, a maxLength of 5 and of minLength + 2, maxDepth 2"
                    + " and maxArguments 2, or more",
                minLength, maxLength, maxDepth, maxArguments));
      }
    }
  }

  private ListOps() {}

  /**
   * Draws different expressions; a seed and its other arguments always give the same ones.
   *
   * @param leaveOut true for expressions that must not be drawn
   * @throws InvalidInputException if the settings do not yield that many, or it is negative
   */
  public static List<Example> generate(
      Settings settings, int count, long seed, Predicate<Example> leaveOut) {
    if (count < 0) {
      throw new InvalidInputException(count + " expressions are asked for: 0 or more are needed");
    }
    ListOpsSampler sampler = new ListOpsSampler(settings, new SplittableRandom(seed));
    Set<Example> examples = new LinkedHashSet<>();
    int failures = 0;
    while (examples.size() < count) {
      Example example = sampler.next();
      if (example != null && !leaveOut.test(example) && examples.add(example)) {
        failures = 0;
      } else if (++failures == PATIENCE) {
        throw new InvalidInputException(
            String.format(
                "%s yield %s different expressions, and %s are asked for: widen the lengths, or"
                    + " ask for fewer",
                settings, examples.size(), count));
      }
    }
    return List.copyOf(examples);
  }

  static boolean isOperator(int token) {
    return token >= FIRST_OPERATOR && token < CLOSE;
  }

  /** Value of an operator on its arguments, in any order of them. */
  static int apply(int operator, int[] arguments) {
    int[] sorted = arguments.clone();
    Arrays.sort(sorted);
    int last = sorted.length - 1;
    return switch (WORDS.get(operator)) {
      case "[MIN" -> sorted[0];
      case "[MAX" -> sorted[last];
      case "[MED" -> (sorted[last / 2] + sorted[(last + 1) / 2]) / 2;
      default -> Arrays.stream(sorted).sum() % CLASSES;
    };
  }

  /**
   * Computes an expression's value with a stack, apart from the generator's recursion.
   *
   * @param tokens one expression without padding
   * @throws InvalidInputException if it is not well formed, naming the position
   */
  public static int evaluate(int[] tokens) {
    Deque<List<Integer>> open = new ArrayDeque<>(); // each: an operator, then its arguments
    for (int i = 0; i < tokens.length; i++) {
      int token = tokens[i];
      int value = token - FIRST_DIGIT;
      if (isOperator(token)) {
        open.push(new ArrayList<>(List.of(token)));
        continue;
      } else if (token == CLOSE && !open.isEmpty() && open.element().size() > 1) {
        List<Integer> list = open.pop();
        value = apply(list.get(0), list.stream().skip(1).mapToInt(Integer::intValue).toArray());
      } else if (token < FIRST_DIGIT || token >= FIRST_OPERATOR) {
        throw new InvalidInputException(
            "no ListOps expression: " + word(token) + " at position " + i + " cannot stand there");
      }
      if (!open.isEmpty()) {
        open.element().add(value);
      } else if (i == tokens.length - 1) {
        return value;
      } else {
        throw new InvalidInputException(
            "no ListOps expression: it ends at position " + i + ", and more follows");
      }
    }
    throw new InvalidInputException(
        "no ListOps expression: it is empty, or a bracket is open at its end");
  }

  /** Prints tokens as words with single spaces: {@code [MAX 2 9 [MIN 4 7 ] 0 ]}. */
  public static String text(int[] tokens) {
    return Arrays.stream(tokens).mapToObj(ListOps::word).collect(Collectors.joining(" "));
  }

  /**
   * Reads what {@link #text} prints.
   *
   * @throws InvalidInputException if a word is unknown, or the expression is not well formed
   */
  public static int[] parse(String text) {
    int[] tokens =
        Pattern.compile("\\s+")
            .splitAsStream(text.strip())
            .mapToInt(
                word -> {
                  int token = WORDS.indexOf(word);
                  if (token <= PAD) {
                    throw new InvalidInputException(
                        "no ListOps expression: '" + word + "' is none of " + WORDS);
                  }
                  return token;
                })
            .toArray();
    evaluate(tokens);
    return tokens;
  }

  private static String word(int token) {
    if (token < PAD || token >= VOCABULARY_SIZE) {
      throw new InvalidInputException("token " + token + " is none of ListOps' 0 to 15");
    }
    return WORDS.get(token);
  }
}
