package dev.linformer.cli;

import dev.linformer.export.InferenceGraph;
import dev.linformer.model.ClassifierConfig;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.tensorflow.Result;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code linformer predict}: a model's output for the input in a file. */
@Command(
    name = "predict",
    description = "Computes a model's output: NumPy files in and out.",
    mixinStandardHelpOptions = true)
final class PredictCommand implements Callable<Integer> {

  /** Sequences computed at once. */
  private static final int ROWS = 32;

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(
      names = "--input",
      required = true,
      description = "A .npy file: float32 [b,n,c] for an encoder, int [b,n] for a classifier.")
  private Path input = Path.of("");

  @Option(names = "--output", required = true, description = "The .npy file to write, float32.")
  private Path output = Path.of("");

  @Override
  public Integer call() throws IOException {
    ModelDirectory directory = ModelDirectory.open(model);
    ModelConfig config = directory.config();
    if (!Files.isRegularFile(input)) {
      throw new InvalidInputException("--input %s: no such file".formatted(input));
    }
    if (Files.isDirectory(output)) {
      throw new InvalidInputException("--output %s is a folder; name a file".formatted(output));
    }
    NpyFile x = NpyFile.read(input);
    check(x, config);
    Path folder = output.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new InvalidInputException("--output %s: no folder %s".formatted(output, folder));
    }
    try (InferenceGraph inference = InferenceGraph.load(directory)) {
      predict(inference, x, config instanceof ClassifierConfig);
    }
    return 0;
  }

  private void check(NpyFile x, ModelConfig config) {
    long n = config.encoder().sequenceLength();
    long[] wanted =
        config instanceof ClassifierConfig
            ? new long[] {-1, n}
            : new long[] {-1, n, config.encoder().channels()};
    long[] found = x.shape().asArray();
    boolean fits =
        found.length == wanted.length
            && found[0] > 0
            && Arrays.equals(found, 1, found.length, wanted, 1, wanted.length);
    if (!fits) {
      throw new InvalidInputException(
          "%s has shape %s, but the model takes %s with any first axis from 1 on"
              .formatted(
                  input, Arrays.toString(found), Arrays.toString(wanted).replace("-1", "b")));
    }
    if (config instanceof ClassifierConfig classifier) {
      for (int token : x.ints()) {
        if (token < 0 || token >= classifier.vocabularySize()) {
          throw new InvalidInputException(
              "%s: token %d, but 0 to num_tokens - 1 = %d is expected"
                  .formatted(input, token, classifier.vocabularySize() - 1));
        }
      }
    }
  }

  private void predict(InferenceGraph inference, NpyFile x, boolean tokens) {
    int rows = Math.toIntExact(x.shape().get(0));
    int width = Math.toIntExact(x.shape().tail().size());
    float[] all = new float[0];
    long[] sizes = new long[0];
    for (int from = 0; from < rows; from += ROWS) {
      int count = Math.min(ROWS, rows - from);
      long[] part = x.shape().asArray();
      part[0] = count;
      try (TType in = slice(x, Shape.of(part), from * width, count * width, tokens);
          Result result = inference.run(in)) {
        TFloat32 y = (TFloat32) result.get(0);
        if (from == 0) {
          sizes = y.shape().asArray();
          sizes[0] = rows;
          all = new float[Math.toIntExact(Shape.of(sizes).size())];
        }
        int size = all.length / rows;
        y.asRawTensor().data().asFloats().read(all, from * size, count * size);
      }
    }
    write(Shape.of(sizes), all);
  }

  private void write(Shape shape, float[] values) {
    try {
      NpyFile.write(output, shape, values);
    } catch (IOException e) {
      throw new InvalidInputException(
          "--output %s: cannot write there (%s: %s); name a file in a folder that you may write to"
              .formatted(output, e.getClass().getSimpleName(), e.getMessage()),
          e);
    }
  }

  private static TType slice(NpyFile x, Shape shape, int offset, int size, boolean tokens) {
    return tokens
        ? TInt32.tensorOf(
            shape, DataBuffers.of(Arrays.copyOfRange(x.ints(), offset, offset + size)))
        : TFloat32.tensorOf(
            shape, DataBuffers.of(Arrays.copyOfRange(x.floats(), offset, offset + size)));
  }
}
