package dev.linformer.cli;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.RegularFile;
import dev.linformer.model.Model;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.stream.IntStream;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * A NumPy file that fits an input of a model.
 *
 * @param file named in messages
 * @param input what it is for
 * @param values of the input's type and shape, with any first axis, and maybe with fewer positions
 */
record InputFile(Path file, Model.Input input, NpyFile values) {

  /**
   * Reads and checks a file.
   *
   * @param option of the command line, for messages
   * @throws InvalidInputException if it is missing, or of another type or shape than the input, or
   *     has a token outside the vocabulary
   */
  static InputFile read(String option, Path file, Model.Input input) throws IOException {
    InputFile read = new InputFile(file, input, values(option, file));
    read.checkShape();
    read.checkValues();
    return read;
  }

  /**
   * What a file holds.
   *
   * @param option of the command line, for messages
   * @throws InvalidInputException if it is missing, or no NumPy file
   */
  static NpyFile values(String option, Path file) throws IOException {
    RegularFile.require(option, file);
    return NpyFile.read(file);
  }

  private void checkShape() {
    long[] wanted = input.shape().asArray();
    long[] shape = values.shape().asArray();
    boolean fits =
        shape.length == wanted.length
            && shape[0] > 0
            && shape[1] > 0
            && shape[1] <= wanted[1]
            && Arrays.equals(shape, 2, shape.length, wanted, 2, wanted.length);
    if (!fits) {
      throw new InvalidInputException(
          "%s has shape %s, but the model takes %s with any first axis from 1 on, and a second from 1 to %s"
              .formatted(
                  file,
                  Arrays.toString(shape),
                  Arrays.toString(wanted).replace("-1", "b"),
                  wanted[1]));
    }
  }

  private void checkValues() {
    if (input.type() == TBool.class) {
      if (!values.isBoolean()) {
        throw new InvalidInputException(
            "%s: a mask holds booleans: save it with numpy.save(path, x.astype(bool))"
                .formatted(file));
      }
    } else if (input.vocabulary() > 0) {
      if (values.isBoolean()) {
        throw new InvalidInputException(
            "%s: holds booleans, and tokens are integers: is it the mask?".formatted(file));
      }
      for (int token : values.ints()) {
        if (token < 0 || token >= input.vocabulary()) {
          throw new InvalidInputException(
              "%s: token %s, but 0 to num_tokens - 1 = %s is expected"
                  .formatted(file, token, input.vocabulary() - 1));
        }
      }
    } else {
      values.floats();
    }
  }

  /**
   * @throws InvalidInputException if the files have different numbers of sequences
   */
  static void requireSameRows(Collection<InputFile> files) {
    InputFile first = files.iterator().next();
    for (InputFile each : files) {
      if (each.rows() != first.rows()) {
        throw new InvalidInputException(
            "%s has %s sequences, but %s has %s"
                .formatted(each.file, each.rows(), first.file, first.rows()));
      }
    }
  }

  /**
   * @throws InvalidInputException if a mask has other positions than the sequence that it masks
   */
  void requireSamePositions(InputFile sequence) {
    if (positions() != sequence.positions()) {
      throw new InvalidInputException(
          "%s has %s positions, but %s has %s"
              .formatted(file, positions(), sequence.file, sequence.positions()));
    }
  }

  /** Number of positions, at most as many as the model's. */
  int positions() {
    return Math.toIntExact(values.shape().get(1));
  }

  /** Number of sequences, b. */
  int rows() {
    return Math.toIntExact(values.shape().get(0));
  }

  /**
   * Some of the sequences, to be closed by the caller.
   *
   * @param length positions of the result; behind shorter sequences stand zeros
   */
  Tensor rows(int from, int count, int length) {
    long[] sizes = values.shape().asArray();
    sizes[0] = count;
    sizes[1] = length;
    Shape shape = Shape.of(sizes);
    int width = Math.toIntExact(values.shape().tail().size());
    int padded = Math.toIntExact(shape.tail().size());
    int[] begins = IntStream.range(from, from + count).map(row -> row * width).toArray();
    if (input.type() == TFloat32.class) {
      float[] part = new float[count * padded];
      for (int i = 0; i < count; i++) {
        System.arraycopy(values.floats(), begins[i], part, i * padded, width);
      }
      return TFloat32.tensorOf(shape, DataBuffers.of(part));
    }
    int[] part = new int[count * padded];
    for (int i = 0; i < count; i++) {
      System.arraycopy(values.ints(), begins[i], part, i * padded, width);
    }
    if (input.type() == TInt32.class) {
      return TInt32.tensorOf(shape, DataBuffers.of(part));
    }
    boolean[] flags = new boolean[part.length];
    for (int i = 0; i < part.length; i++) {
      flags[i] = part[i] != 0;
    }
    return TBool.tensorOf(shape, DataBuffers.of(flags));
  }
}
