package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Chooses tokens from logits, as transformers' {@code generate} does: the logits are divided by the
 * temperature, then top-k keeps the k likeliest tokens, then top-p the likeliest of these whose
 * probabilities together reach p (nucleus sampling, Holtzman et al., arXiv 1904.09751). One of
 * those that are left is drawn by its probability among them.
 */
public final class Sampler {

  private final double temperature;
  private final int topK;
  private final double topP;
  private final SplittableRandom random;

  /**
   * One that draws from all of the likeliest {@code topK}.
   *
   * @see #Sampler(double, int, double, long)
   */
  public Sampler(double temperature, int topK, long seed) {
    this(temperature, topK, 1, seed);
  }

  /**
   * @param temperature 0 always takes the likeliest
   * @param topK how many of the likeliest are drawn from; 0 for all
   * @param topP probability that those which are drawn from have together at least, above 0; 1 for
   *     all
   * @param seed equal seeds draw equal tokens
   * @throws InvalidInputException if a value is out of its range
   */
  public Sampler(double temperature, int topK, double topP, long seed) {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new InvalidInputException(
          "temperature = %s, but a number from 0 on is expected".formatted(temperature));
    }
    if (topK < 0) {
      throw new InvalidInputException("top-k = %s, but at least 0 is expected".formatted(topK));
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new InvalidInputException(
          "top-p = %s, but a number above 0, and 1 at most, is expected".formatted(topP));
    }
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    this.random = new SplittableRandom(seed);
  }

  /**
   * Draws a token.
   *
   * @param logits [vocabulary], one for each token
   * @return the token, 0 to vocabulary − 1
   */
  public int choose(float[] logits) {
    int[] order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted((i, j) -> Float.compare(logits[j], logits[i]))
            .mapToInt(Integer::intValue)
            .toArray(); // the likeliest first
    if (temperature == 0) {
      return order[0];
    }
    double[] weights =
        Arrays.stream(order)
            .limit(topK == 0 ? order.length : topK)
            .mapToDouble(token -> Math.exp((logits[token] - logits[order[0]]) / temperature))
            .toArray();
    int count = nucleus(weights);
    double left = random.nextDouble() * sum(weights, count);
    for (int i = 0; i < count - 1; i++) {
      left -= weights[i];
      if (left < 0) {
        return order[i];
      }
    }
    return order[count - 1];
  }

  /** How many of the likeliest have a probability of at least top-p together. */
  private int nucleus(double[] weights) {
    if (topP == 1) {
      return weights.length; // rounding leaves out none
    }
    double enough = topP * sum(weights, weights.length);
    double before = 0;
    int count = 0;
    while (count < weights.length && before < enough) {
      before += weights[count++];
    }
    return count;
  }

  private static double sum(double[] weights, int count) {
    return Arrays.stream(weights, 0, count).sum();
  }
}
