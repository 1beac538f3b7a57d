package dev.linformer.ops.gradient;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * A body and its gradients, made by TensorFlow in a graph of their own, to be added to the real
 * graph as often as there are parts of this size.
 *
 * @param copy the operations
 * @param gradients by input, where in the copy its gradient is; null for what has none
 */
record Backward(GraphCopy copy, List<@Nullable NodeOutput> gradients) {

  static final String BYSTANDER = "not_an_input";
  private static final String DY = "dy";

  /** An output of a node. */
  record NodeOutput(String node, int index) {
    static NodeOutput of(Output<?> output) {
      return new NodeOutput(output.op().name(), output.index());
    }
  }

  /**
   * @param bystanders shapes of operands that aren't inputs
   * @param shapes what the part sees of each input
   * @throws IllegalArgumentException if the body uses operations that keep a state
   */
  static <T extends TFloating> Backward of(
      SegmentBody<T> body,
      Map<Output<?>, Shape> bystanders,
      List<SlicedInput> inputs,
      List<Shape> shapes) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Substitution substitution =
          new Substitution(
              operand ->
                  tf.withName(BYSTANDER)
                      .placeholder(
                          operand.type(),
                          Placeholder.shape(
                              Objects.requireNonNull(bystanders.get(operand.asOutput())))));
      List<Operand<?>> placeholders = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        Class<? extends TType> type = inputs.get(i).operand().type();
        Operand<?> placeholder =
            tf.withName(input(i)).placeholder(type, Placeholder.shape(shapes.get(i)));
        substitution.put(inputs.get(i).operand(), placeholder);
        placeholders.add(placeholder);
      }
      Operand<T> y = body.call(tf, substitution);
      Operand<T> dy = tf.withName(DY).placeholder(y.type(), Placeholder.shape(y.shape()));

      Set<String> names = new HashSet<>(Set.of(DY));
      placeholders.forEach(placeholder -> names.add(placeholder.op().name()));
      Set<String> used =
          GraphCopy.reachable(graph.toGraphDef(), Set.of(y.op().name()), names, false);
      List<Integer> wanted = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        if (inputs.get(i).differentiable() && used.contains(input(i))) {
          wanted.add(i);
        }
      }
      Output<?>[] dx =
          graph.addGradients(
              "gradients",
              new Output<?>[] {y.asOutput()},
              wanted.stream()
                  .map(i -> placeholders.get(i).asOutput())
                  .toArray(length -> new Output<?>[length]),
              new Output<?>[] {dy.asOutput()});
      List<@Nullable NodeOutput> gradients = new ArrayList<>();
      Set<String> ends = new HashSet<>();
      for (int i = 0; i < inputs.size(); i++) {
        int at = wanted.indexOf(i);
        gradients.add(at < 0 ? null : NodeOutput.of(dx[at]));
        if (at >= 0) {
          ends.add(dx[at].op().name());
        }
      }
      return new Backward(new GraphCopy(graph.toGraphDef(), names, ends), gradients);
    }
  }

  private static String input(int i) {
    return "input_" + i;
  }

  /**
   * Adds the operations to a graph.
   *
   * @param prefix of their names
   * @param inputs what stands for each input
   * @param dy gradient of the output
   * @return the gradient of each input, null for what has none
   */
  List<@Nullable Output<?>> add(Ops tf, String prefix, List<Operand<?>> inputs, Operand<?> dy) {
    Map<String, Operand<?>> sources = new HashMap<>();
    sources.put(DY, dy);
    for (int i = 0; i < inputs.size(); i++) {
      sources.put(input(i), inputs.get(i));
    }
    GraphCopy.Copied copied = copy.into(tf.scope(), prefix, sources);
    List<@Nullable Output<?>> result = new ArrayList<>();
    for (NodeOutput place : gradients) {
      result.add(place == null ? null : copied.output(place.node, place.index));
    }
    return result;
  }
}
