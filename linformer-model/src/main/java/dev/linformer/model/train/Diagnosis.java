package dev.linformer.model.train;

import dev.linformer.model.Variables.Weight;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoublePredicate;
import org.jspecify.annotations.Nullable;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Operation;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.op.core.Bitcast;
import org.tensorflow.types.TFloat32;

/** Finds where in a model numbers stop being numbers. Slow; for a training that has ended so. */
final class Diagnosis {

  /** Values fetched at once: each may be as large as a layer's output. */
  private static final int PART = 16;

  private final TrainingGraph graph;
  private final Runs runs;

  /** A runner that is fed with the batch in question. */
  interface Runs {
    Session.Runner runner();
  }

  Diagnosis(TrainingGraph graph, Runs runs) {
    this.graph = graph;
    this.runs = runs;
  }

  /** Where it began, in words. */
  String place() {
    Optional<String> weight = spoilt(graph.variables.weights());
    if (weight.isPresent()) {
      return "the weight %s is no number any more".formatted(weight.get());
    }
    List<GraphOperation> forward = forward();
    List<Operand<?>> outputs = forward.stream().<Operand<?>>map(op -> op.output(0)).toList();
    int layer = first(outputs, Double::isNaN);
    if (layer < 0) {
      // Minus infinity stands in masks by design.
      layer = first(outputs, value -> value == Double.POSITIVE_INFINITY);
    }
    if (layer >= 0) {
      return "it began in the forward pass at %s".formatted(nearest(forward.get(layer)));
    }
    for (int i = graph.gradients.size() - 1; i >= 0; i--) {
      if (first(List.of(graph.gradients.get(i)), Diagnosis::bad) >= 0) {
        return "it began in the backward pass at %s"
            .formatted(name(graph.variables.trainable().get(i)));
      }
    }
    return "every gradient is a number, but their norm is not: they are too large";
  }

  /** The first weight, or what the optimizer keeps of one, with a value that is no number. */
  Optional<String> spoilt() {
    return spoilt(graph.variables.weights()).or(() -> spoilt(graph.slots.weights()));
  }

  private Optional<String> spoilt(List<Weight<TFloat32>> weights) {
    int at = first(weights.stream().<Operand<?>>map(Weight::value).toList(), Diagnosis::bad);
    return at < 0 ? Optional.empty() : Optional.of(name(weights.get(at)));
  }

  private static boolean bad(double value) {
    return !Double.isFinite(value);
  }

  private static String name(Weight<TFloat32> weight) {
    return weight.parameter().name();
  }

  /** Index of the first operand with such a value, or −1. */
  private int first(List<Operand<?>> operands, DoublePredicate bad) {
    for (int from = 0; from < operands.size(); from += PART) {
      List<Operand<?>> part = operands.subList(from, Math.min(operands.size(), from + PART));
      Session.Runner runner = runs.runner();
      part.forEach(runner::fetch);
      try (Result result = runner.run()) {
        for (int i = 0; i < part.size(); i++) {
          if (has((TFloat32) result.get(i), bad)) {
            return from + i;
          }
        }
      }
    }
    return -1;
  }

  private static boolean has(TFloat32 tensor, DoublePredicate bad) {
    var values = tensor.asRawTensor().data().asFloats();
    for (long i = 0; i < values.size(); i++) {
      if (bad.test(values.getFloat(i))) {
        return true;
      }
    }
    return false;
  }

  /** All operations that the loss comes from and that make floats of others, in their order. */
  private List<GraphOperation> forward() {
    Set<String> ancestors = new HashSet<>();
    Deque<GraphOperation> open = new ArrayDeque<>();
    open.add((GraphOperation) graph.training.loss().op());
    while (!open.isEmpty()) {
      GraphOperation operation = open.remove();
      if (ancestors.add(operation.name())) {
        for (int i = 0; i < operation.numInputs(); i++) {
          open.add((GraphOperation) operation.input(i).op());
        }
      }
    }
    List<GraphOperation> forward = new ArrayList<>();
    Iterator<GraphOperation> all = graph.graph.operations();
    while (all.hasNext()) {
      GraphOperation operation = all.next();
      if (ancestors.contains(operation.name())
          && operation.numInputs() > 0
          && operation.numOutputs() > 0
          && !operation.type().equals(Bitcast.OP_NAME) // to uint64, for which there is no class
          && TFloat32.class.equals(operation.output(0).type())) {
        forward.add(operation);
      }
    }
    return forward;
  }

  /** The weight that the fewest operations lie between. */
  private String nearest(GraphOperation from) {
    Map<String, String> names = new HashMap<>();
    for (Weight<TFloat32> weight : graph.variables.weights()) {
      names.put(weight.value().op().name(), name(weight));
    }
    Set<String> seen = new HashSet<>();
    Deque<Operation> open = new ArrayDeque<>(List.of(from));
    while (!open.isEmpty()) {
      GraphOperation operation = (GraphOperation) open.remove();
      @Nullable String name = names.get(operation.name());
      if (name != null) {
        return name;
      }
      for (int i = 0; i < operation.numInputs(); i++) {
        Operation input = operation.input(i).op();
        if (seen.add(input.name())) {
          open.add(input);
        }
      }
    }
    return from.name();
  }
}
