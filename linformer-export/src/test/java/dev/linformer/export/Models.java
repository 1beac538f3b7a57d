package dev.linformer.export;

import dev.linformer.model.LinformerClassifierConfig;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import dev.linformer.ops.Activation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.tensorflow.Result;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/** Small models whose sizes all differ, with dropout set, and inputs for them. */
final class Models {

  static final int LENGTH = 11;
  static final int CHANNELS = 13;
  static final int VOCABULARY = 19;
  static final int CLASSES = 5;

  private Models() {}

  static LinformerConfig encoder(ParameterSharing sharing) {
    return LinformerConfig.builder(LENGTH, CHANNELS, 7)
        .heads(3)
        .headDim(2)
        .feedForwardDim(17)
        .depth(2)
        .dropout(0.5)
        .feedForwardDropout(0.5)
        .activation(sharing == ParameterSharing.KV ? Activation.RELU : Activation.GELU)
        .parameterSharing(sharing)
        .build();
  }

  static LinformerClassifierConfig classifier(Pooling pooling) {
    return LinformerClassifierConfig.builder(
            encoder(ParameterSharing.HEADWISE), VOCABULARY, CLASSES)
        .pooling(pooling)
        .tokenDropout(0.5)
        .build();
  }

  /** A model directory with fresh weights. */
  static ModelDirectory save(ModelConfig config, long seed, Path folder) throws IOException {
    ModelDirectory directory = ModelDirectory.create(folder);
    try (InferenceGraph inference = InferenceGraph.untrained(config, seed)) {
      inference.saveWeights(directory.weightsFile());
    }
    directory.writeConfig(config);
    return directory;
  }

  /** Vectors [b,n,c]. */
  static float[] vectors(int batch, long seed) {
    Random random = new Random(seed);
    float[] x = new float[batch * LENGTH * CHANNELS];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /** Tokens [b,n]. */
  static int[] tokens(int batch, long seed) {
    return new Random(seed).ints((long) batch * LENGTH, 0, VOCABULARY).toArray();
  }

  /** What the live graph makes of vectors. */
  static float[] run(InferenceGraph inference, float[] x) {
    Shape shape = Shape.of(x.length / (LENGTH * CHANNELS), LENGTH, CHANNELS);
    try (TFloat32 input = TFloat32.tensorOf(shape, DataBuffers.of(x))) {
      return run(inference, input);
    }
  }

  /** What the live graph makes of tokens. */
  static float[] run(InferenceGraph inference, int[] tokens) {
    Shape shape = Shape.of(tokens.length / LENGTH, LENGTH);
    try (TInt32 input = TInt32.tensorOf(shape, DataBuffers.of(tokens))) {
      return run(inference, input);
    }
  }

  private static float[] run(InferenceGraph inference, TType input) {
    try (Result result = inference.run(input)) {
      TFloat32 output = (TFloat32) result.get(0);
      float[] values = new float[Math.toIntExact(output.size())];
      output.asRawTensor().data().asFloats().read(values);
      return values;
    }
  }

  /** Bytes of all files in a folder. */
  static long bytes(Path folder) throws IOException {
    long sum = 0;
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        sum += Files.size(file);
      }
    }
    return sum;
  }
}
