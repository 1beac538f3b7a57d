package dev.linformer.export;

import dev.linformer.model.Model;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import org.tensorflow.Result;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Random values for the inputs of a model, and what the live graph and an export make of them. */
final class Feed {

  /** An input's values: vectors, tokens (whole numbers) or a mask (0 and 1). */
  record Value(Model.Input input, Shape shape, List<Float> values) {

    float[] floats() {
      float[] floats = new float[values.size()];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = values.get(i);
      }
      return floats;
    }

    int[] ints() {
      return values.stream().mapToInt(Float::intValue).toArray();
    }

    boolean[] flags() {
      boolean[] flags = new boolean[values.size()];
      for (int i = 0; i < flags.length; i++) {
        flags[i] = values.get(i) != 0;
      }
      return flags;
    }

    String dtype() {
      return input.type() == TFloat32.class
          ? "float32"
          : input.type() == TInt32.class ? "int32" : "bool";
    }
  }

  private final Map<String, Value> values = new LinkedHashMap<>();

  private Feed() {}

  /**
   * Sequences of different lengths.
   *
   * @param shorter by how many positions all of them end before the model's length
   */
  static Feed random(List<Model.Input> inputs, int batch, int shorter, long seed) {
    Random random = new Random(seed);
    Feed feed = new Feed();
    for (Model.Input input : inputs) {
      long[] sizes = input.shape().asArray();
      sizes[0] = batch;
      sizes[1] -= shorter;
      Shape shape = Shape.of(sizes);
      Float[] all = new Float[Math.toIntExact(shape.size())];
      if (input.type() == TFloat32.class) {
        Arrays.setAll(all, i -> (float) random.nextGaussian());
      } else if (input.type() == TInt32.class) {
        Arrays.setAll(all, i -> (float) random.nextInt(input.vocabulary()));
      } else {
        int[] lengths = random.ints(batch, 1, (int) sizes[1] + 1).toArray();
        int m = (int) sizes[1];
        Arrays.setAll(all, i -> i % m < lengths[i / m] ? 1f : 0f);
      }
      feed.values.put(input.name(), new Value(input, shape, List.of(all)));
    }
    return feed;
  }

  Map<String, Value> values() {
    return values;
  }

  Value value(String name) {
    return Objects.requireNonNull(values.get(name));
  }

  /** Some of the inputs, as far as they are there. */
  Feed only(String... names) {
    Feed some = new Feed();
    for (String name : names) {
      if (values.containsKey(name)) {
        some.values.put(name, value(name));
      }
    }
    return some;
  }

  /** These and others, which win. */
  Feed and(Feed others) {
    Feed both = new Feed();
    both.values.putAll(values);
    both.values.putAll(others.values);
    return both;
  }

  /** The same with one number for all values of an input, if it is there. */
  Feed with(String name, float number) {
    Feed same = and(new Feed());
    same.values.computeIfPresent(
        name,
        (ignored, old) ->
            new Value(old.input, old.shape, Collections.nCopies(old.values.size(), number)));
    return same;
  }

  /** The same sequences with padding behind them, up to the model's length. */
  Feed filled() {
    Feed filled = new Feed();
    values.forEach(
        (name, value) -> {
          long[] sizes = value.shape.asArray();
          long m = sizes[1];
          long n = value.input.shape().get(1);
          long c = sizes.length == 3 ? sizes[2] : 1;
          sizes[1] = n;
          Shape shape = Shape.of(sizes);
          Float[] all = new Float[Math.toIntExact(shape.size())];
          Arrays.setAll(
              all,
              i -> {
                long b = i / (n * c);
                long t = i / c % n;
                return t < m ? value.values.get((int) ((b * m + t) * c + i % c)) : 0f;
              });
          filled.values.put(name, new Value(value.input, shape, List.of(all)));
        });
    return filled;
  }

  /** What the live graph gives. */
  float[] run(InferenceGraph live) {
    return apply(
        tensors -> {
          try (Result result = live.run(tensors)) {
            TFloat32 output = (TFloat32) result.get(0);
            float[] all = new float[Math.toIntExact(output.size())];
            output.asRawTensor().data().asFloats().read(all);
            return all;
          }
        });
  }

  /** Calls with a tensor for each input, and closes them. */
  <R> R apply(Function<Map<String, Tensor>, R> call) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    values.forEach((name, value) -> tensors.put(name, tensor(value)));
    try {
      return call.apply(tensors);
    } finally {
      tensors.values().forEach(Tensor::close);
    }
  }

  private static Tensor tensor(Value value) {
    return switch (value.dtype()) {
      case "float32" -> TFloat32.tensorOf(value.shape, DataBuffers.of(value.floats()));
      case "int32" -> TInt32.tensorOf(value.shape, DataBuffers.of(value.ints()));
      default -> TBool.tensorOf(value.shape, DataBuffers.of(value.flags()));
    };
  }

  /** What a signature of an export gives. */
  SignatureOutputs run(ExportedLinformer exported, SignatureName signature) {
    Request request = exported.request(signature);
    values.forEach(
        (name, value) -> {
          long[] shape = value.shape.asArray();
          switch (value.dtype()) {
            case "float32" -> request.with(name, value.floats(), shape);
            case "int32" -> request.with(name, value.ints(), shape);
            default -> request.with(name, value.flags(), shape);
          }
        });
    return request.run();
  }
}
