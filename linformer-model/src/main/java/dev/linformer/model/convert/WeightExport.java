package dev.linformer.model.convert;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** A model's weights as a state dictionary of linformer-pytorch. */
public final class WeightExport {

  /** The base of the sinusoid's wavelengths. */
  private static final double WAVELENGTHS = 100_000;

  private final LinformerPyTorch model;
  private final List<Tensor> tensors = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  private WeightExport(LinformerPyTorch model) {
    this.model = model;
  }

  /**
   * Writes a safetensors file with every name of the state dictionary that linformer-pytorch's
   * {@code load_state_dict} asks for; a shared weight stands under each of its names.
   *
   * @param packageName {@value LinformerPyTorch#NAME}
   * @return what is worth knowing of the file, a sentence each
   * @throws InvalidInputException if the model has what linformer-pytorch lacks, if nothing can be
   *     written there, or if {@code out} is part of the model
   */
  public static List<String> run(String packageName, ModelDirectory directory, Path out)
      throws IOException {
    if (!packageName.equals(LinformerPyTorch.NAME)) {
      throw new InvalidInputException(
          "--to = %s, but %s is expected".formatted(packageName, LinformerPyTorch.NAME));
    }
    AtomicFile.requirePlace("--out", out, directory.path());
    WeightExport export = new WeightExport(modelOf(directory));
    export.addWeights(directory.weightsFile());
    export.addFrequencies();
    export.addUnused();
    SafetensorsWriter.write(out, Map.of("format", "pt"), export.tensors);
    return export.notes;
  }

  private static LinformerPyTorch modelOf(ModelDirectory directory) {
    ModelConfig config = directory.config();
    try {
      return new LinformerPyTorch(config);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(directory.configFile() + ": " + e.getMessage(), e);
    }
  }

  private void addWeights(Path weights) throws IOException {
    List<Parameter> parameters = Declared.by(model.config());
    List<float[]> values = StateDictionary.read(weights, model, parameters);
    Set<Parameter> unsaved = model.unsaved(parameters);
    for (int i = 0; i < values.size(); i++) {
      if (unsaved.contains(parameters.get(i))) {
        continue;
      }
      Shape shape = parameters.get(i).sliceShape();
      int size = Math.toIntExact(shape.size());
      var whole = DataBuffers.of(values.get(i), true, false);
      int part = 0;
      for (List<String> names : parameters.get(i).slices()) {
        var slice = whole.slice((long) part++ * size, size);
        names.forEach(name -> tensors.add(new Tensor(name, shape, slice)));
      }
    }
    if (!unsaved.isEmpty()) {
      notes.add(
          "the fixed matrices of method no_params are left out: linformer-pytorch keeps them outside"
              + " of its state dictionary and draws others, so its output will be another");
    }
  }

  /** The constants that linformer-pytorch saves along. */
  private void addFrequencies() {
    if (model.config() instanceof LinformerLMConfig language) {
      addFrequencies("", language.embeddingDim());
    }
    if (model.config() instanceof LinformerEncDecConfig both) {
      addFrequencies("encoder.", both.encoder().embeddingDim());
      addFrequencies("decoder.", both.decoder().embeddingDim());
    }
  }

  private void addFrequencies(String prefix, int width) {
    float[] frequencies = new float[width / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = 2f * i / width;
      frequencies[i] = 1 / (float) Math.pow(WAVELENGTHS, exponent);
    }
    tensors.add(
        new Tensor(
            prefix + "pos_emb.inv_freq",
            Shape.of(frequencies.length),
            DataBuffers.of(frequencies, true, false)));
  }

  /** Projections that linformer-pytorch has, and has no use for, with full attention. */
  private void addUnused() {
    List<Tensor> unused =
        model.stacks().stream()
            .filter(stack -> stack.config().fullAttention())
            .flatMap(stack -> UnusedProjections.of(stack, tensors).stream())
            .toList();
    if (!unused.isEmpty()) {
      tensors.addAll(unused);
      notes.add(
          "the projections that linformer-pytorch has with full_attention, and doesn't use, are 0");
    }
  }
}
