package dev.linformer.cli;

import dev.linformer.export.InferenceGraph;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.model.Model;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.data.Task;
import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Result;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.types.TFloat32;
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
      description = "A .npy file: float32 [b,n,c] for an encoder, int [b,n] for a model of tokens.")
  private Path input = Path.of("");

  @Option(
      names = "--mask",
      description =
          "A .npy file: bool [b,n], true = real; must be given if the training masked its padding.")
  private @Nullable Path mask;

  @Option(
      names = "--source",
      description = "A .npy file, for models with a source: float32 [b,n,c], or int [b,n] tokens.")
  private @Nullable Path source;

  @Option(names = "--source-mask", description = "A .npy file: bool [b,n], true = real.")
  private @Nullable Path sourceMask;

  @Option(names = "--output", required = true, description = "The .npy file to write, float32.")
  private Path output = Path.of("");

  @Override
  public Integer call() throws IOException {
    ModelDirectory directory = ModelDirectory.open(model);
    requireMask(directory);
    AtomicFile.requirePlace("--output", output, model, input, mask, source, sourceMask);
    Map<String, Path> optional = new LinkedHashMap<>();
    if (mask != null) {
      optional.put("mask", mask);
    }
    if (sourceMask != null) {
      optional.put("source_mask", sourceMask);
    }
    try (InferenceGraph inference = InferenceGraph.load(directory, optional.keySet())) {
      Map<String, InputFile> files = read(inference.inputs(), optional);
      predict(inference, files);
    }
    return 0;
  }

  /** A model that learnt behind a mask computes something else without one. */
  private void requireMask(ModelDirectory directory) {
    if (mask == null && Task.of(directory).filter(task -> task.objective().masked()).isPresent()) {
      throw new InvalidInputException(
          "this model was trained with its padding masked; give --mask, bool [b,n], true at real"
              + " positions, also where all of them are");
    }
  }

  /** A file for each input, none for what the model doesn't take. */
  private Map<String, InputFile> read(List<Model.Input> inputs, Map<String, Path> optional)
      throws IOException {
    Map<String, Path> given = new LinkedHashMap<>(optional);
    if (source != null) {
      given.put("source", source);
    }
    Set<String> unused = new TreeSet<>(given.keySet());
    Map<String, InputFile> files = new LinkedHashMap<>();
    for (Model.Input each : inputs) {
      unused.remove(each.name());
      boolean main = files.isEmpty();
      Path file = main ? input : given.get(each.name());
      if (file == null) {
        throw new InvalidInputException(
            "this model takes a %s; give it with --%s".formatted(each.name(), each.name()));
      }
      String option = main ? "--input" : "--" + each.name().replace('_', '-');
      files.put(each.name(), InputFile.read(option, file, each));
    }
    for (String name : unused) {
      throw new InvalidInputException(
          "--%s: this model takes none".formatted(name.replace('_', '-')));
    }
    InputFile.requireSameRows(files.values());
    return files;
  }

  private void predict(InferenceGraph inference, Map<String, InputFile> files) throws IOException {
    int rows = files.values().iterator().next().rows();
    float[] all = new float[0];
    long[] sizes = new long[0];
    for (int from = 0; from < rows; from += ROWS) {
      int count = Math.min(ROWS, rows - from);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      try {
        for (var entry : files.entrySet()) {
          tensors.put(entry.getKey(), entry.getValue().rows(from, count));
        }
        try (Result result = inference.run(tensors)) {
          TFloat32 y = (TFloat32) result.get(0);
          if (from == 0) {
            sizes = y.shape().asArray();
            sizes[0] = rows;
            all = new float[Math.toIntExact(Shape.of(sizes).size())];
          }
          int size = all.length / rows;
          y.asRawTensor().data().asFloats().read(all, from * size, count * size);
        }
      } finally {
        tensors.values().forEach(Tensor::close);
      }
    }
    NpyFile.write(output, Shape.of(sizes), all);
  }
}
