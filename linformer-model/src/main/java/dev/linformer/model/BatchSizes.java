package dev.linformer.model;

import dev.linformer.io.InvalidInputException;

/**
 * Batches that can be trained: TensorFlow's gradients count the places of an axis in 32 bits, and
 * all positions of a batch are the rows of one matrix. Values of a tensor may be more.
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
  public static void require(long batch, long length) {
    refuseIfMore(batch, "%d sequences of %d positions".formatted(batch, length), length);
  }

  /**
   * Makes sure that a model can be trained on batches of a size.
   *
   * @param batch number of sequences
   * @param known whether the graph is built for batches of this size; else values of a layer are
   *     counted in 32 bits, too
   * @throws InvalidInputException if there are too many positions, or values
   */
  public static void require(ModelConfig model, long batch, boolean known) {
    for (LinformerConfig stack : model.stacks()) {
      long n = stack.sequenceLength();
      require(batch, n);
      if (!known) {
        long c = stack.channels();
        refuseIfMore(
            batch, "%d sequences of %d positions with %d channels".formatted(batch, n, c), n * c);
      }
    }
  }

  private static void refuseIfMore(long batch, String what, long each) {
    long most = Integer.MAX_VALUE / each;
    if (batch > most) {
      throw new InvalidInputException(
          "batch = %d, but at most %s is expected: %s are more than the %d that TensorFlow's gradients can count"
              .formatted(batch, most, what, Integer.MAX_VALUE));
    }
  }
}
