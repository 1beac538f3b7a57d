package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.WeightFile;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** A model directory from another package's weights. */
public final class WeightImport {

  private WeightImport() {}

  /**
   * Makes a model directory. Nothing is written before all values are read and fit.
   *
   * @param packageName {@value LinformerPyTorch#NAME} or {@value Lucidrains#NAME}
   * @param config JSON; which keys are known depends on the package
   * @param weights a safetensors file, a NumPy archive or a file of {@code torch.save}, with the
   *     package's names; a shared weight may stand under any or all of its names
   * @param out a new or empty folder
   * @throws InvalidInputException if there is no such package, if it means by the configuration
   *     what cannot be had here, if the weights don't fit the model, or if nothing can be written
   *     there
   * @throws IOException if reading or writing fails on the way
   */
  public static void run(String packageName, Path config, Path weights, Path out)
      throws IOException {
    run(ForeignModel.read(packageName, config), weights, out);
  }

  /**
   * A package's configuration as it is here.
   *
   * @throws InvalidInputException if there is no such package, or it means by the configuration
   *     what cannot be had here
   */
  public static ModelConfig config(String packageName, Path config) {
    return ForeignModel.read(packageName, config).config();
  }

  static void run(ForeignModel model, Path weights, Path out) throws IOException {
    List<Parameter> parameters = Declared.by(model.config());
    List<float[]> values = StateDictionary.read(weights, model, parameters);
    ModelDirectory.create(
        out,
        directory -> {
          WeightFile.write(
              directory.weightsFile(),
              parameters,
              values.stream().map(each -> DataBuffers.of(each, true, false)).toList());
          directory.writeConfig(model.config());
        });
  }
}
