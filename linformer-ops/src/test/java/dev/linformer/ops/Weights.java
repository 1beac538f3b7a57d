package dev.linformer.ops;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.family.TFloating;

/**
 * Random weights for whatever a layer declares. Equal names get equal values, so a layer may be
 * declared again, in another graph or another type.
 */
public final class Weights {

  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, double[]> values = new LinkedHashMap<>();

  /** Weights as constants. */
  public <T extends TFloating> ParameterFactory<T> constants(Ops tf, Class<T> type) {
    return parameter -> Graphs.constant(tf, type, parameter.shape(), draw(parameter));
  }

  /** Weights as given, one for each of {@link #inputs()}. */
  public ParameterFactory<TFloat64> operands(List<Operand<TFloat64>> operands) {
    var names = List.copyOf(parameters.keySet());
    return parameter -> operands.get(names.indexOf(parameter.name()));
  }

  /** All weights so far, as points of a gradient check. */
  public List<GradientCheck.Input> inputs() {
    return parameters.values().stream()
        .map(p -> new GradientCheck.Input(p.name(), p.shape(), draw(p)))
        .toList();
  }

  /** All weights so far, by key of the state dictionary. */
  public Map<String, double[]> stateDictionary() {
    var state = new HashMap<String, double[]>();
    for (Parameter parameter : parameters.values()) {
      double[] all = draw(parameter);
      int size = all.length / parameter.slices().size();
      for (int i = 0; i < parameter.slices().size(); i++) {
        double[] slice = Arrays.copyOfRange(all, i * size, (i + 1) * size);
        parameter.slices().get(i).forEach(key -> state.put(key, slice));
      }
    }
    return state;
  }

  /** Of size 1/√(last axis), as trained ones are; around 1 where training starts from 1. */
  private double[] draw(Parameter parameter) {
    parameters.putIfAbsent(parameter.name(), parameter);
    return values.computeIfAbsent(
        parameter.name(),
        name -> {
          long[] sizes = parameter.shape().asArray();
          double scale = sizes.length == 1 ? 0.5 : 1 / Math.sqrt((double) sizes[sizes.length - 1]);
          double centre = parameter.initialization().equals(Initialization.ONES) ? 1 : 0;
          return Arrays.stream(Graphs.normal(name.hashCode(), parameter.shape().size()))
              .map(v -> centre + scale * v)
              .toArray();
        });
  }
}
