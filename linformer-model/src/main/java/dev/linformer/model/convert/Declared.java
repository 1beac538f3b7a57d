package dev.linformer.model.convert;

import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.Variables.Weight;
import dev.linformer.ops.Parameter;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** The weights that a configuration asks for. */
final class Declared {

  private Declared() {}

  /** In the order in which they are asked for. */
  static List<Parameter> by(ModelConfig config) {
    try (Graph graph = new Graph()) {
      Variables<TFloat32> variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      return variables.weights().stream().map(Weight::parameter).toList();
    }
  }
}
