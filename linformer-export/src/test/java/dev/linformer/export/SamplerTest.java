package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.io.InvalidInputException;
import org.junit.jupiter.api.Test;

/** Draws from a distribution that is known exactly. */
class SamplerTest {

  private static final int DRAWS = 10_000;

  /** Tokens 0 to 4 have the probabilities 1/8, 1/2, 1/4, 1/16 and 1/16. */
  private static final float[] LOGITS = logits(2, 8, 4, 1, 1);

  private static float[] logits(double... weights) {
    float[] logits = new float[weights.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.log(weights[i]);
    }
    return logits;
  }

  /**
   * Checks how often each token is drawn.
   *
   * @param expected probabilities of the tokens; 0 is never drawn
   */
  private static void assertDraws(Sampler sampler, double... expected) {
    int[] counts = new int[LOGITS.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampler.choose(LOGITS)]++;
    }
    for (int token = 0; token < expected.length; token++) {
      double p = expected[token];
      double deviation = Math.sqrt(p * (1 - p) / DRAWS);
      assertEquals(p, (double) counts[token] / DRAWS, 1e-12 + 4 * deviation, "token " + token);
    }
  }

  @Test
  void drawsByProbability() {
    assertDraws(new Sampler(1, 0, 1), 1 / 8.0, 1 / 2.0, 1 / 4.0, 1 / 16.0, 1 / 16.0);
    assertDraws(new Sampler(1, 0, 1, 7), 1 / 8.0, 1 / 2.0, 1 / 4.0, 1 / 16.0, 1 / 16.0);
    // Squares: 4, 64, 16, 1 and 1 of 86.
    assertDraws(new Sampler(0.5, 0, 2), 4 / 86.0, 64 / 86.0, 16 / 86.0, 1 / 86.0, 1 / 86.0);
    assertDraws(new Sampler(0, 0, 3), 0, 1, 0, 0, 0);
  }

  @Test
  void topKKeepsTheLikeliest() {
    assertDraws(new Sampler(1, 2, 1), 0, 2 / 3.0, 1 / 3.0, 0, 0);
    assertDraws(new Sampler(1, 1, 1), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(1, 9, 1), 1 / 8.0, 1 / 2.0, 1 / 4.0, 1 / 16.0, 1 / 16.0);
  }

  @Test
  void topPKeepsTheFewestThatReachIt() {
    assertDraws(new Sampler(1, 0, 0.01, 1), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(1, 0, 0.499, 2), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(1, 0, 0.501, 3), 0, 2 / 3.0, 1 / 3.0, 0, 0);
    assertDraws(new Sampler(1, 0, 0.76, 4), 1 / 7.0, 4 / 7.0, 2 / 7.0, 0, 0);
    assertDraws(new Sampler(1, 0, 0.95, 5), 1 / 8.0, 1 / 2.0, 1 / 4.0, 1 / 16.0, 1 / 16.0);
  }

  /** Of two tokens alike 0.5 is reached by the first, of three of equal weight 0.7 by the third. */
  @Test
  void whatReachesTopPExactlyIsEnough() {
    float[] alike = {0, 0, -100};
    float[] three = {1, 1, 1, -100};
    Sampler half = new Sampler(1, 0, 0.5, 1);
    Sampler most = new Sampler(1, 0, 0.7, 1);
    int[] counts = new int[3];
    for (int i = 0; i < 100; i++) {
      assertEquals(0, half.choose(alike));
      counts[most.choose(three)]++;
    }
    for (int count : counts) {
      assertEquals(33, count, 20);
    }
  }

  /** Top-p is a share of what top-k leaves: 1/2 is 2/3 of the two likeliest. */
  @Test
  void temperatureComesFirstAndTopPLast() {
    assertDraws(new Sampler(1, 2, 0.66, 1), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(1, 2, 0.67, 2), 0, 2 / 3.0, 1 / 3.0, 0, 0);
    // By squares the likeliest has 64/86 = 0.744 of all, and 64/80 of two.
    assertDraws(new Sampler(0.5, 0, 0.74, 3), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(0.5, 0, 0.75, 4), 0, 4 / 5.0, 1 / 5.0, 0, 0);
    assertDraws(new Sampler(0.5, 2, 0.79, 5), 0, 1, 0, 0, 0);
    assertDraws(new Sampler(0.5, 2, 0.81, 6), 0, 4 / 5.0, 1 / 5.0, 0, 0);
    assertDraws(new Sampler(0, 2, 0.81, 7), 0, 1, 0, 0, 0);
  }

  @Test
  void refusesWhatIsNoSetting() {
    assertRefused("temperature = -1.0, but a number from 0 on is expected", -1, 0, 1);
    assertRefused("temperature = NaN, but a number from 0 on is expected", Double.NaN, 0, 1);
    assertRefused("top-k = -1, but at least 0 is expected", 1, -1, 1);
    String range = ", but a number above 0, and 1 at most, is expected";
    assertRefused("top-p = 0.0" + range, 1, 0, 0);
    assertRefused("top-p = -0.1" + range, 1, 0, -0.1);
    assertRefused("top-p = 1.1" + range, 1, 0, 1.1);
    assertRefused("top-p = NaN" + range, 1, 0, Double.NaN);
  }

  private static void assertRefused(String message, double temperature, int topK, double topP) {
    InvalidInputException refused =
        assertThrows(InvalidInputException.class, () -> new Sampler(temperature, topK, topP, 1));
    assertEquals(message, refused.getMessage());
  }
}
