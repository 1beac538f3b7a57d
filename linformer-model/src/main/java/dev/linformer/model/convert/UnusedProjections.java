package dev.linformer.model.convert;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.internal.weights.SafetensorsWriter.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;

/** E and F of a model with full attention: linformer-pytorch makes them, and saves them, anyway. */
final class UnusedProjections {
  private static final String FIRST_OF_AN_ATTENTION = ".to_q.0.weight";

  private UnusedProjections() {}

  /**
   * All of an encoder or decoder, with the value 0.
   *
   * @param saved the stack's other tensors, in its order, among others
   */
  static List<Tensor> of(LinformerPyTorch.Stack stack, List<Tensor> saved) {
    LinformerConfig config = stack.config();
    List<String> attentions =
        saved.stream()
            .map(Tensor::name)
            .filter(name -> name.startsWith(stack.names()) && name.endsWith(FIRST_OF_AN_ATTENTION))
            .map(name -> name.substring(0, name.length() - FIRST_OF_AN_ATTENTION.length()))
            .toList();
    List<Tensor> unused = new ArrayList<>();
    for (int i = 0; i < attentions.size(); i++) {
      int layer = config.decoderMode() ? i / 2 : i;
      for (int head = 0; head < config.heads(); head++) {
        for (String role : List.of("E", "F")) {
          String name = "%s.heads.%s.%s".formatted(attentions.get(i), head, role);
          unused.addAll(projection(name, config, projectedLength(config, layer)));
        }
      }
    }
    return unused;
  }

  private static int projectedLength(LinformerConfig config, int layer) {
    return config.parameterSharing() == ParameterSharing.LAYERWISE
        ? config.projectedLength()
        : config.reducedLength(layer);
  }

  /** What linformer-pytorch saves of a projection. */
  private static List<Tensor> projection(String name, LinformerConfig config, int k) {
    int n = config.sequenceLength();
    int d = config.headDim();
    return switch (config.projectionMethod()) {
      case LEARNABLE ->
          List.of(zeros(name + ".weight", Shape.of(k, n)), zeros(name + ".bias", Shape.of(k)));
      case CONVOLUTION ->
          List.of(
              zeros(name + ".weight", Shape.of(d, d, n / k)), zeros(name + ".bias", Shape.of(d)));
      case NO_PARAMS, DCT, MEAN_POOL, MAX_POOL -> List.of();
    };
  }

  private static Tensor zeros(String name, Shape shape) {
    return new Tensor(name, shape, DataBuffers.ofFloats(shape.size()));
  }
}
