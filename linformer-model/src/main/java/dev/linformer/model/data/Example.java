package dev.linformer.model.data;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A sequence of token ids and its class; equal to another if the tokens are.
 *
 * <p>Ids are kept as bytes, for vocabularies of at most 256: a hundred thousand sequences of a
 * thousand tokens take 100 MB.
 */
public final class Example {
  private final byte[] tokens;
  private final int label;

  /**
   * Copies a sequence.
   *
   * @param tokens ids from 0 to 255, without padding
   * @throws InvalidInputException if an id is another
   */
  public Example(int[] tokens, int label) {
    this(toBytes(tokens), label);
  }

  /** Keeps {@code tokens} itself. */
  Example(byte[] tokens, int label) {
    this.tokens = tokens;
    this.label = label;
  }

  private static byte[] toBytes(int[] tokens) {
    byte[] bytes = new byte[tokens.length];
    for (int i = 0; i < bytes.length; i++) {
      if (tokens[i] < 0 || tokens[i] > 255) {
        throw new InvalidInputException(
            "token id " + tokens[i] + " at position " + i + ": 0 to 255 are needed");
      }
      bytes[i] = (byte) tokens[i];
    }
    return bytes;
  }

  /** Number of tokens. */
  public int length() {
    return tokens.length;
  }

  /** Id at a position, counted from 0. */
  public int token(int position) {
    return Byte.toUnsignedInt(tokens[position]);
  }

  /** All ids, in an array of the caller's. */
  public int[] tokens() {
    return IntStream.range(0, tokens.length).map(this::token).toArray();
  }

  /** Class to predict, counted from 0. */
  public int label() {
    return label;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Example example && Arrays.equals(tokens, example.tokens);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(tokens);
  }

  @Override
  public String toString() {
    return Arrays.toString(tokens()) + " = " + label;
  }
}
