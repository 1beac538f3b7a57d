package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses tokens from logits: softmax(logits/temperature) over the likeliest few. */
public final class Sampler {

  private final double temperature;
  private final int topK;
  private final SplittableRandom random;

  /**
   * @param temperature 0 always takes the likeliest
   * @param topK how many of the likeliest are drawn from; 0 for all
   * @param seed equal seeds draw equal tokens
   * @throws InvalidInputException if a value is negative or not finite
   */
  public Sampler(double temperature, int topK, long seed) {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new InvalidInputException(
          "temperature = %s, but a number from 0 on is expected".formatted(temperature));
    }
    if (topK < 0) {
      throw new InvalidInputException("top-k = %d, but at least 0 is expected".formatted(topK));
    }
    this.temperature = temperature;
    this.topK = topK;
    this.random = new SplittableRandom(seed);
  }

  /**
   * @param logits [vocabulary]
   * @return a token
   */
  public int choose(float[] logits) {
    int[] order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted((i, j) -> Float.compare(logits[j], logits[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    if (temperature == 0) {
      return order[0];
    }
    int count = topK == 0 ? order.length : Math.min(topK, order.length);
    double[] weights =
        Arrays.stream(order, 0, count)
            .mapToDouble(token -> Math.exp((logits[token] - logits[order[0]]) / temperature))
            .toArray();
    double left = random.nextDouble() * Arrays.stream(weights).sum();
    for (int i = 0; i < count - 1; i++) {
      left -= weights[i];
      if (left < 0) {
        return order[i];
      }
    }
    return order[count - 1];
  }
}
