package dev.linformer.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.ops.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.tensorflow.Graph;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A model's layers with their weights.
 *
 * @param modelType kind of model
 * @param layers in the order in which they are computed; the shared projection first
 */
public record ModelSummary(String modelType, List<LayerSummary> layers) {

  private static final Pattern SUBLAYER = Pattern.compile("(.*seq\\.\\d+)\\..*");

  /**
   * A layer.
   *
   * @param name what its weights' names begin with
   * @param kind what it is
   * @param output shape of its output, with letters for axes that vary
   * @param weights in order
   */
  public record LayerSummary(String name, String kind, String output, List<Parameter> weights) {

    /** Number of values in all weights. */
    public long parameters() {
      return count(weights);
    }
  }

  /** The summary of a configuration; no weight gets a value. */
  public static ModelSummary of(ModelConfig config) {
    Map<String, List<Parameter>> groups = new LinkedHashMap<>();
    try (Graph graph = new Graph()) {
      Variables<TFloat32> variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      for (var weight : variables.weights()) {
        Parameter parameter = weight.parameter();
        groups.computeIfAbsent(layerOf(parameter.name()), name -> new ArrayList<>()).add(parameter);
      }
    }
    List<LayerSummary> layers = new ArrayList<>();
    groups.forEach((name, weights) -> layers.add(layer(config, name, weights)));
    return new ModelSummary(config.modelType(), layers);
  }

  private static String layerOf(String parameter) {
    Matcher sublayer = SUBLAYER.matcher(parameter);
    return sublayer.matches()
        ? sublayer.group(1)
        : parameter.substring(0, parameter.lastIndexOf('.'));
  }

  private static LayerSummary layer(ModelConfig config, String name, List<Parameter> weights) {
    List<LinformerConfig> stacks = config.stacks();
    LinformerConfig stack = stacks.get(name.startsWith("decoder.") ? stacks.size() - 1 : 0);
    long width = weights.get(weights.size() - 1).shape().get(0);
    String vectors = "[b, %s, %s]".formatted(stack.sequenceLength(), width);
    if (name.endsWith("to_logits")) {
      boolean pooled = config instanceof LinformerClassifierConfig;
      return new LayerSummary(
          name, "Dense", pooled ? "[b, %s]".formatted(width) : vectors, weights);
    }
    if (name.endsWith("_emb")) {
      long embedded = weights.get(0).shape().get(1);
      String positions = "[b, %s, %s]".formatted(stack.sequenceLength(), embedded);
      return new LayerSummary(name, "Embedding", positions, weights);
    }
    if (name.endsWith("E")) {
      String compressed = "[b, %s, %s]".formatted(stack.projectedLength(), stack.channels());
      return new LayerSummary(name, "Projection E = F, shared by all layers", compressed, weights);
    }
    boolean attention = weights.stream().anyMatch(weight -> weight.name().contains(".to_q."));
    return new LayerSummary(
        name, attention ? "Attention + norm" : "FeedForward + norm", vectors, weights);
  }

  /** Number of values in all weights. */
  public long parameters() {
    return layers.stream().mapToLong(LayerSummary::parameters).sum();
  }

  /** Number of values that training changes. */
  public long trainable() {
    return layers.stream()
        .mapToLong(layer -> count(layer.weights.stream().filter(Parameter::trainable).toList()))
        .sum();
  }

  /** Bytes of all weights in float32. */
  public long bytes() {
    return Float.BYTES * parameters();
  }

  private static long count(List<Parameter> weights) {
    return weights.stream().mapToLong(weight -> weight.shape().size()).sum();
  }

  /** A table for people. */
  public String table() {
    StringBuilder table = new StringBuilder(line("layer", "kind", "output", "parameters"));
    for (LayerSummary layer : layers) {
      table.append(
          line(
              layer.name,
              layer.kind,
              layer.output,
              String.format(Locale.ROOT, "%,d", layer.parameters())));
      for (Parameter weight : layer.weights) {
        table.append(line("  " + weight.name(), "", Arrays.toString(weight.shape().asArray()), ""));
      }
    }
    return table
        .append(
            String.format(
                Locale.ROOT,
                "parameters %,d, trainable %,d, %,d bytes in float32",
                parameters(),
                trainable(),
                bytes()))
        .toString();
  }

  private static String line(String name, String kind, String shape, String parameters) {
    return "%-38s %-40s %-20s %14s".formatted(name, kind, shape, parameters).stripTrailing()
        + System.lineSeparator();
  }

  /** {@link #table} for programs: an object with a list of layers. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("model_type", modelType);
    ArrayNode list = json.putArray("layers");
    for (LayerSummary layer : layers) {
      ObjectNode node =
          list.addObject()
              .put("name", layer.name)
              .put("kind", layer.kind)
              .put("output", layer.output)
              .put("parameters", layer.parameters());
      ArrayNode weights = node.putArray("weights");
      for (Parameter weight : layer.weights) {
        ArrayNode shape =
            weights
                .addObject()
                .put("name", weight.name())
                .put("trainable", weight.trainable())
                .putArray("shape");
        Arrays.stream(weight.shape().asArray()).forEach(shape::add);
      }
    }
    return json.put("parameters", parameters()).put("trainable", trainable()).put("bytes", bytes());
  }
}
