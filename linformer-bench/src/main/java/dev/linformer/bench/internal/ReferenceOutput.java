package dev.linformer.bench.internal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.bench.BenchmarkCase;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Model;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.model.WeightFile;
import dev.linformer.model.internal.weights.SafetensorsFile;
import dev.linformer.model.internal.weights.SafetensorsWriter;
import dev.linformer.ops.Backend;
import dev.linformer.ops.RandomKey;
import dev.linformer.runtime.Sessions;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * Output and gradients of a {@link BenchmarkCase} for given weights. They are compared with those
 * of other programs, so that no benchmark wins by computing less.
 */
public final class ReferenceOutput {

  private ReferenceOutput() {}

  /**
   * Writes {@code answer.safetensors}: {@code output} [b,n,c] and, in training, for each weight
   * {@code gradient:NAME}, the gradient of the sum of output times cotangent.
   *
   * @param folder with {@code weights.safetensors}, and {@code inputs.safetensors} that holds
   *     {@code input} and {@code cotangent}, both [b,n,c]
   * @return the work's keys, and {@code plan}
   * @throws InvalidInputException if a file doesn't fit the work
   */
  public static ObjectNode write(BenchmarkCase work, Path folder) throws IOException {
    Path weightsFile = folder.resolve("weights.safetensors");
    Path answer = folder.resolve("answer.safetensors");
    AtomicFile.requirePlace("--check", answer, folder.resolve("inputs.safetensors"), weightsFile);
    LinformerConfig config = work.config();
    Shape shape = Shape.of(work.batch(), config.sequenceLength(), config.channels());
    try (Graph graph = new Graph();
        TFloat32 input = TFloat32.tensorOf(shape);
        TFloat32 cotangent = TFloat32.tensorOf(shape)) {
      Path file = folder.resolve("inputs.safetensors");
      try (SafetensorsFile stored = SafetensorsFile.open(file)) {
        read(stored, file, "input", input);
        read(stored, file, "cotangent", cotangent);
      }
      Ops tf = Ops.create(graph);
      Variables<TFloat32> variables = Variables.toBeLoaded(tf, TFloat32.class);
      boolean kernels = work.xla() && work.kernels() && Devices.runKernels(0);
      Model<TFloat32> model =
          config.declare(variables.on(kernels ? Backend.GPU_KERNELS : Backend.PORTABLE));
      Operand<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(shape)); // [b,n,c]
      Operand<TFloat32> dy = tf.placeholder(TFloat32.class, Placeholder.shape(shape)); // [b,n,c]
      RandomKey key = work.training() ? new RandomKey(tf.constant(new long[] {1, 1})) : null;
      Operand<TFloat32> y = model.call(tf, Map.of(model.inputs().get(0).name(), x), key);
      List<Weight<TFloat32>> weights = work.training() ? variables.trainable() : List.of();
      List<Operand<TFloat32>> fetched = new ArrayList<>(List.of(y));
      if (work.training()) {
        Operand<TFloat32> loss =
            tf.sum(
                tf.reshape(tf.math.mul(y, dy), tf.constant(new int[] {-1})), tf.constant(0)); // []
        var gradients = tf.gradients(loss, weights.stream().map(Weight::value).toList());
        for (int i = 0; i < weights.size(); i++) {
          fetched.add(gradients.dy(i));
        }
      }
      try (Session session = Sessions.open(graph, Sessions.ALL_THREADS, work.xla())) {
        WeightFile.load(session, variables.weights(), weightsFile);
        Session.Runner runner = session.runner().feed(x, input);
        if (work.training()) {
          runner.feed(dy, cotangent);
        }
        fetched.forEach(runner::fetch);
        try (Result result = runner.run()) {
          save(answer, shape, weights, result);
        }
      }
    }
    return work.toJson().put("plan", work.plan());
  }

  private static void read(SafetensorsFile stored, Path file, String name, TFloat32 into)
      throws IOException {
    Shape wanted = into.shape();
    if (!stored.names().contains(name)) {
      throw new InvalidInputException("%s: %s %s is missing".formatted(file, name, wanted));
    }
    if (!stored.shape(name).equals(wanted)) {
      throw new InvalidInputException(
          "%s: %s is %s, but %s is expected".formatted(file, name, stored.shape(name), wanted));
    }
    stored.read(name, buffer(into));
  }

  private static void save(Path file, Shape shape, List<Weight<TFloat32>> weights, Result result)
      throws IOException {
    List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
    tensors.add(new SafetensorsWriter.Tensor("output", shape, buffer((TFloat32) result.get(0))));
    for (int i = 0; i < weights.size(); i++) {
      var parameter = weights.get(i).parameter();
      Shape part = parameter.sliceShape();
      FloatDataBuffer whole = buffer((TFloat32) result.get(i + 1));
      for (int j = 0; j < parameter.slices().size(); j++) {
        String name = "gradient:" + parameter.slices().get(j).get(0);
        tensors.add(
            new SafetensorsWriter.Tensor(name, part, whole.slice(j * part.size(), part.size())));
      }
    }
    SafetensorsWriter.write(file, Map.of(), tensors);
  }

  private static FloatDataBuffer buffer(TFloat32 tensor) {
    return tensor.asRawTensor().data().asFloats();
  }
}
