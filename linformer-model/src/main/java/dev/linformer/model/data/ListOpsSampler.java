package dev.linformer.model.data;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Draws one expression tree after another, as {@code lra_benchmarks/data/listops.py} does.
 *
 * <p>Two things differ, and neither changes what the kept trees look like. The root is always an
 * operator: a lone digit is too short to be kept. And a tree is given up as soon as it is too long,
 * not after it has grown: it would have been rejected, and the next tree does not depend on it.
 */
final class ListOpsSampler {
  private static final double LEAF_THRESHOLD = 0.25;
  private static final int REJECTED = -1;

  private final ListOps.Settings settings;
  private final SplittableRandom random;
  private final byte[] tokens;
  private int length;

  ListOpsSampler(ListOps.Settings settings, SplittableRandom random) {
    this.settings = settings;
    this.random = random;
    this.tokens = new byte[settings.maxLength() - 1];
  }

  /** Grows a tree; null if its length is out of bounds. */
  @Nullable Example next() {
    length = 0;
    int value = growOperator(1);
    return value == REJECTED || length <= settings.minLength()
        ? null
        : new Example(Arrays.copyOf(tokens, length), value);
  }

  private int grow(int depth) {
    if (depth < settings.maxDepth() && random.nextDouble() <= LEAF_THRESHOLD) {
      return growOperator(depth);
    }
    int digit = random.nextInt(ListOps.CLASSES);
    return append(ListOps.FIRST_DIGIT + digit) ? digit : REJECTED;
  }

  private int growOperator(int depth) {
    int operator = ListOps.FIRST_OPERATOR + random.nextInt(ListOps.OPERATORS);
    int[] arguments = new int[2 + random.nextInt(settings.maxArguments() - 1)];
    if (!append(operator)) {
      return REJECTED;
    }
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = grow(depth + 1);
      if (arguments[i] == REJECTED) {
        return REJECTED;
      }
    }
    return append(ListOps.CLOSE) ? ListOps.apply(operator, arguments) : REJECTED;
  }

  private boolean append(int token) {
    if (length == tokens.length) {
      return false;
    }
    tokens[length++] = (byte) token;
    return true;
  }
}
