package dev.linformer.ops;

import org.tensorflow.Operand;
import org.tensorflow.types.family.TFloating;

/**
 * Where the layers get their weights: variables in a model, constants in a test, whatever a graph
 * of somebody else's holds.
 */
@FunctionalInterface
public interface ParameterFactory<T extends TFloating> {

  /** The weight as the layers will read it, of exactly the parameter's shape. */
  Operand<T> create(Parameter parameter);
}
