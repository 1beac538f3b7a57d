package dev.linformer.export;

import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.internal.PlainDigits;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.Variable;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Weights as variables of an exported graph, stored as its {@link StoragePrecision} says. */
final class ServingWeights implements ParameterFactory<TFloat32> {

  /** A variable, and how it gets its value. */
  record ServedWeight(
      Parameter parameter, Operand<?> variable, Placeholder<TFloat32> initial, Op initializer) {}

  private final Ops tf;
  private final Ops initials;
  private final StoragePrecision precision;
  private final List<ServedWeight> weights = new ArrayList<>();

  ServingWeights(Ops tf, StoragePrecision precision) {
    PlainDigits.ensure(); // scopes are numbered
    this.tf = tf;
    this.initials = tf.withSubScope("initial"); // a scope goes through all operations there are
    this.precision = precision;
  }

  @Override
  public Operand<TFloat32> create(Parameter parameter) {
    Placeholder<TFloat32> initial =
        initials
            .withName(parameter.name())
            .placeholder(TFloat32.class, Placeholder.shape(parameter.shape()));
    return switch (precision) {
      case FLOAT32 -> {
        Variable<TFloat32> variable =
            tf.withName(parameter.name()).variable(parameter.shape(), TFloat32.class);
        weights.add(new ServedWeight(parameter, variable, initial, tf.assign(variable, initial)));
        yield tf.withName(parameter.name() + ".value").identity(variable);
      }
      case BFLOAT16 -> {
        Variable<TBfloat16> variable =
            tf.withName(parameter.name()).variable(parameter.shape(), TBfloat16.class);
        Operand<TBfloat16> rounded = tf.dtypes.cast(initial, TBfloat16.class);
        weights.add(new ServedWeight(parameter, variable, initial, tf.assign(variable, rounded)));
        Operand<TBfloat16> stored = tf.withName(parameter.name() + ".stored").identity(variable);
        yield tf.withName(parameter.name() + ".value").dtypes.cast(stored, TFloat32.class);
      }
    };
  }

  List<ServedWeight> weights() {
    return Collections.unmodifiableList(weights);
  }
}
