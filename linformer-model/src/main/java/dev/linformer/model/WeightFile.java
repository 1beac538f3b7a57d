package dev.linformer.model;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.internal.weights.Finite;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.model.internal.weights.StoredWeights;
import dev.linformer.model.internal.weights.VariableAssigner;
import dev.linformer.ops.Parameter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.types.TFloat32;

/**
 * The variables of a session in a safetensors file, under their state-dictionary keys. A shared
 * weight is stored once; the metadata says of each other key which one stands for it, the way that
 * {@code safetensors.torch.save_model} does, so that {@code load_model} of that package fills a
 * model with it.
 */
public final class WeightFile {

  private WeightFile() {}

  /**
   * Writes the values that the variables have now.
   *
   * @throws InvalidInputException if one is NaN or infinite; then nothing is written
   */
  public static void save(Session session, List<Weight<TFloat32>> weights, Path file)
      throws IOException {
    if (weights.isEmpty()) { // an optimizer without slots; a session refuses to run for nothing
      write(file, List.of(), List.of());
      return;
    }
    Session.Runner runner = session.runner();
    weights.forEach(weight -> runner.fetch(weight.value()));
    try (Result fetched = runner.run()) {
      List<FloatDataBuffer> values = new ArrayList<>();
      for (int i = 0; i < weights.size(); i++) {
        values.add(buffer((TFloat32) fetched.get(i)));
      }
      write(file, weights.stream().map(Weight::parameter).toList(), values);
    }
  }

  /**
   * Writes values that are not in a session.
   *
   * @param values of each parameter, all its parts one after the other
   * @throws InvalidInputException if one is NaN or infinite; then nothing is written
   */
  public static void write(
      Path file, List<Parameter> parameters, List<? extends FloatDataBuffer> values)
      throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
    List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      Shape shape = parameter.sliceShape();
      Finite.require(file, parameter.name(), values.get(i));
      for (int part = 0; part < parameter.slices().size(); part++) {
        List<String> keys = parameter.slices().get(part);
        var slice = values.get(i).slice(part * shape.size(), shape.size());
        tensors.add(new SafetensorsWriter.Tensor(keys.get(0), shape, slice));
        keys.stream().skip(1).forEach(alias -> metadata.put(alias, keys.get(0)));
      }
    }
    SafetensorsWriter.write(file, metadata, tensors);
  }

  /**
   * Gives the variables the values in the file.
   *
   * @throws InvalidInputException if a tensor is missing, left over or of another shape; all are
   *     named, and no variable is changed; or if a value is NaN or infinite
   */
  public static void load(Session session, List<Weight<TFloat32>> weights, Path file)
      throws IOException {
    var parameters = weights.stream().map(Weight::parameter).toList();
    try (StoredWeights stored = StoredWeights.open(file, parameters);
        VariableAssigner assignments = new VariableAssigner(session)) {
      for (Weight<TFloat32> weight : weights) {
        TFloat32 value = stored.read(weight.parameter().name());
        assignments.add(weight.initial(), weight.initializer(), value);
      }
      assignments.run();
    }
  }

  /**
   * The values of one key in a file, such as a projection E, [k,n].
   *
   * @param key of a state dictionary, such as {@code linformer.seq.0.fn.heads.0.E.weight}
   * @return values of the shape that the file says
   * @throws InvalidInputException if the file has no such key, or is no safetensors file
   */
  public static FloatNdArray read(Path file, String key) throws IOException {
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      Shape shape = stored.shape(key);
      FloatDataBuffer values = DataBuffers.ofFloats(shape.size());
      stored.read(key, values);
      return NdArrays.wrap(shape, values);
    }
  }

  private static FloatDataBuffer buffer(TFloat32 tensor) {
    return tensor.asRawTensor().data().asFloats();
  }
}
