package dev.linformer.model.convert;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.ProjectionMethod;
import dev.linformer.model.weights.SafetensorsWriter.Tensor;
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
          addProjection(unused, name, config, projectedLength(config, layer));
        }
      }
    }
    return unused;
  }

  private static int projectedLength(LinformerConfig config, int layer) {
    return config.parameterSharing() == ParameterSharing.LAYERWISE
        ? config.projectedLength()
        : (int) Math.max(1, config.projectedLength() - (long) layer * config.projectedLengthStep());
  }

  private static void addProjection(
      List<Tensor> unused, String name, LinformerConfig config, int k) {
    int n = config.sequenceLength();
    int d = config.headDim();
    if (config.projectionMethod() == ProjectionMethod.CONVOLUTION) {
      unused.add(zeros(name + ".weight", Shape.of(d, d, n / k)));
      unused.add(zeros(name + ".bias", Shape.of(d)));
    } else if (config.projectionMethod() == ProjectionMethod.LEARNABLE) {
      unused.add(zeros(name + ".weight", Shape.of(k, n)));
      unused.add(zeros(name + ".bias", Shape.of(k)));
    }
  }

  private static Tensor zeros(String name, Shape shape) {
    return new Tensor(name, shape, DataBuffers.ofFloats(shape.size()));
  }
}
