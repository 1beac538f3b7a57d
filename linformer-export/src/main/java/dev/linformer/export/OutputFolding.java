package dev.linformer.export;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.internal.weights.StoredWeights;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/**
 * Two output maps of an attention made one before a model is exported: there is nothing between
 * them, so W₂·(W₁·x + b₁) + b₂ is one map of W₂·W₁ and W₂·b₁ + b₂. Worth it where the one has fewer
 * values than the two, which is where it has fewer multiplications, too.
 */
final class OutputFolding {

  private static final String KEY = "w_o_intermediate_dim";
  private static final String FOLDED = ".w_o.";

  private OutputFolding() {}

  /** The model with one output map wherever that is smaller. */
  static ModelConfig fold(ModelConfig config) {
    List<String> prefixes =
        config instanceof LinformerEncDecConfig ? List.of("enc_", "dec_") : List.of("");
    ObjectNode json = config.toJson();
    boolean any = false;
    for (int i = 0; i < prefixes.size(); i++) {
      if (wins(config.stacks().get(i))) {
        json.putNull(prefixes.get(i) + KEY);
        any = true;
      }
    }
    return any ? ModelConfig.parse(new JsonObjectReader("config.json", json)) : config;
  }

  private static boolean wins(LinformerConfig stack) {
    Integer between = stack.outputIntermediateDim();
    if (between == null) {
      return false;
    }
    long hd = (long) stack.heads() * stack.headDim();
    long c = stack.channels();
    return hd * between + between * c > hd * c;
  }

  /** Whether a weight of the folded model is made of several of the original one. */
  static boolean makes(String name) {
    return name.contains(FOLDED);
  }

  /**
   * A folded weight, in double precision until it is rounded once.
   *
   * @param name of the folded model's weight, {@code ….w_o.weight} or {@code ….w_o.bias}
   * @param original the weights of the original
   * @return [c,h·d] or [c]
   */
  static TFloat32 weight(String name, StoredWeights original) throws IOException {
    int at = name.lastIndexOf(FOLDED);
    String start = name.substring(0, at);
    String kind = name.substring(at + FOLDED.length());
    try (TFloat32 second = original.read(start + ".w_o_2.weight")) {
      long c = second.shape().get(0);
      long between = second.shape().get(1);
      float[] outer = values(second);
      if (kind.equals("weight")) {
        try (TFloat32 first = original.read(start + ".w_o_1.weight")) {
          return product(outer, values(first), c, between, first.shape().get(1), null);
        }
      }
      try (TFloat32 first = original.read(start + ".w_o_1.bias");
          TFloat32 shift = original.read(start + ".w_o_2.bias")) {
        return product(outer, values(first), c, between, 1, values(shift));
      }
    }
  }

  /** [rows,inner]·[inner,columns], or with a shift [rows,inner]·[inner] + [rows]. */
  private static TFloat32 product(
      float[] left, float[] right, long rows, long inner, long columns, float @Nullable [] shift) {
    int m = Math.toIntExact(rows);
    int k = Math.toIntExact(inner);
    int n = Math.toIntExact(columns);
    float[] out = new float[Math.multiplyExact(m, n)];
    for (int row = 0; row < m; row++) {
      for (int column = 0; column < n; column++) {
        double sum = shift == null ? 0 : shift[row];
        for (int i = 0; i < k; i++) {
          sum += (double) left[row * k + i] * right[i * n + column];
        }
        out[row * n + column] = (float) sum;
      }
    }
    Shape shape = shift == null ? Shape.of(rows, columns) : Shape.of(rows);
    return TFloat32.tensorOf(shape, DataBuffers.of(out));
  }

  private static float[] values(TFloat32 tensor) {
    float[] values = new float[Math.toIntExact(tensor.size())];
    tensor.asRawTensor().data().asFloats().read(values);
    return values;
  }
}
