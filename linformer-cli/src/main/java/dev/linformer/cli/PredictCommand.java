package dev.linformer.cli;

import dev.linformer.export.InferenceGraph;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.model.LinformerClassifierConfig;
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
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer predict}: a model's output for the input in a file. */
@Command(
    name = "predict",
    description = "Computes a model's output: NumPy files in and out.",
    footer = "  linformer predict --model runs/model --input x.npy --output y.npy",
    mixinStandardHelpOptions = true)
final class PredictCommand implements Callable<Integer> {

  private static final String MASK = "mask";
  private static final String SOURCE = "source";
  private static final String SOURCE_MASK = "source_mask";

  /** Sequences computed at once. */
  private static final int ROWS = 32;

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(
      names = "--input",
      required = true,
      description =
          "A .npy file: float32 [b,n,c] for an encoder, int [b,n] for a model of tokens; with fewer"
              + " positions than the model's n, the rest counts as masked, or as zeros for a"
              + " classifier that was trained so, one of listops.")
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

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    ModelDirectory directory = ModelDirectory.open(model);
    requireMask(directory);
    AtomicFile.requirePlace("--output", output, model, input, mask, source, sourceMask);
    Map<String, InputFile> files = read(InferenceGraph.inputs(directory.config()));
    Map<String, Integer> lengths = new LinkedHashMap<>();
    boolean padded = learntPadding(directory);
    files.forEach(
        (name, file) ->
            lengths.put(
                name, padded ? Math.toIntExact(file.input().shape().get(1)) : file.positions()));
    TensorFlowLog.quiet(spec);
    try (InferenceGraph inference = InferenceGraph.load(directory, files.keySet(), lengths)) {
      predict(inference, files, lengths);
    }
    return 0;
  }

  /**
   * Whether a model learnt what stands behind a sequence, as one of ListOps did: then zeros stand
   * there now, too. Others see shorter sequences as they are, which is as if the rest were masked.
   */
  private boolean learntPadding(ModelDirectory directory) {
    return mask == null
        && directory.config() instanceof LinformerClassifierConfig
        && Task.of(directory).filter(task -> !task.objective().masked()).isPresent();
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
  private Map<String, InputFile> read(List<Model.Input> inputs) throws IOException {
    Map<String, Path> given = new LinkedHashMap<>();
    putIfGiven(given, MASK, mask);
    putIfGiven(given, SOURCE, source);
    putIfGiven(given, SOURCE_MASK, sourceMask);
    Set<String> unused = new TreeSet<>(given.keySet());
    Map<String, InputFile> files = new LinkedHashMap<>();
    for (Model.Input each : inputs) {
      unused.remove(each.name());
      boolean main = files.isEmpty();
      Path file = main ? input : given.get(each.name());
      if (file != null) {
        String option = main ? "--input" : "--" + each.name().replace('_', '-');
        files.put(each.name(), InputFile.read(option, file, each));
      } else if (!each.optional()) {
        throw new InvalidInputException(
            "this model takes a %s; give it with --%s".formatted(each.name(), each.name()));
      }
    }
    for (String name : unused) {
      throw new InvalidInputException(
          "--%s: this model takes none".formatted(name.replace('_', '-')));
    }
    InputFile.requireSameRows(files.values());
    requireSamePositions(files.get(inputs.get(0).name()), files.get(MASK));
    requireSamePositions(files.get(SOURCE), files.get(SOURCE_MASK));
    return files;
  }

  private static void putIfGiven(Map<String, Path> given, String name, @Nullable Path file) {
    if (file != null) {
      given.put(name, file);
    }
  }

  private static void requireSamePositions(
      @Nullable InputFile sequence, @Nullable InputFile masking) {
    if (sequence != null && masking != null) {
      masking.requireSamePositions(sequence);
    }
  }

  private void predict(
      InferenceGraph inference, Map<String, InputFile> files, Map<String, Integer> lengths)
      throws IOException {
    int rows = files.values().iterator().next().rows();
    float[] all = new float[0];
    long[] sizes = new long[0];
    for (int from = 0; from < rows; from += ROWS) {
      int count = Math.min(ROWS, rows - from);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      try {
        for (var entry : files.entrySet()) {
          String name = entry.getKey();
          int length = lengths.getOrDefault(name, entry.getValue().positions());
          tensors.put(name, entry.getValue().rows(from, count, length));
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
