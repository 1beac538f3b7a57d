package dev.linformer.model.data;

import java.util.SplittableRandom;

/** A source of random numbers for each row of each batch, the same whenever it is asked for. */
final class RowRandom {

  private RowRandom() {}

  /**
   * @param number of the row, counted over all batches
   */
  static SplittableRandom random(long seed, long number) {
    return new SplittableRandom(new SplittableRandom(seed).nextLong() + number).split();
  }
}
