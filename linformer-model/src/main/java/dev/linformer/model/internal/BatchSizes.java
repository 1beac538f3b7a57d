package dev.linformer.model.internal;

import dev.linformer.io.InvalidInputException;

/**
 * Batches that can be trained: TensorFlow's gradients count the places of an axis in 32 bits, and
 * all positions of a batch are the rows of one matrix. Values of a tensor may be more, unless the
 * graph is built for batches of any size.
 */
public final class BatchSizes {

  private BatchSizes() {}

  /**
   * Makes sure that the positions of a batch can be counted.
   *
   * @param batch number of sequences
   * @param length number of positions of each
   * @throws InvalidInputException if there are too many positions
   */
  public static void requirePositions(long batch, long length) {
    refuseIfMore(batch, "%s sequences of %s positions".formatted(batch, length), length);
  }

  /**
   * Makes sure that the values of a layer can be counted.
   *
   * @param batch number of sequences
   * @param length number of positions of each
   * @param channels number of values of a position
   * @throws InvalidInputException if there are too many values
   */
  public static void requireValues(long batch, long length, long channels) {
    refuseIfMore(
        batch,
        "%s sequences of %s positions with %s channels".formatted(batch, length, channels),
        length * channels);
  }

  private static void refuseIfMore(long batch, String what, long each) {
    long most = Integer.MAX_VALUE / each;
    if (batch > most) {
      throw new InvalidInputException(
          "batch = %s, but at most %s is expected: %s are more than the %s that TensorFlow's gradients can count"
              .formatted(batch, most, what, Integer.MAX_VALUE));
    }
  }
}
