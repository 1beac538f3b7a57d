package dev.linformer.ops;

import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * Where the layers get their weights: variables in a model, constants in a test, whatever a graph
 * of somebody else's holds. What the layers compute with goes the same way, see {@link #on}.
 *
 * @param <T> type of the weights
 */
@FunctionalInterface
public interface ParameterFactory<T extends TFloating> {

  /** The weight as the layers will read it, of exactly the parameter's shape. */
  Operand<T> create(Parameter parameter);

  /** What computes the layers that are declared from this factory. */
  default Backend backend() {
    return Backend.PORTABLE;
  }

  /** This factory's weights for layers with another backend. */
  default ParameterFactory<T> on(Backend backend) {
    ParameterFactory<T> weights = this;
    return new ParameterFactory<>() {
      @Override
      public Operand<T> create(Parameter parameter) {
        return weights.create(parameter);
      }

      @Override
      public Backend backend() {
        return backend;
      }
    };
  }
}
