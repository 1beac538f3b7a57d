package dev.linformer.export;

import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.WeightFile;
import dev.linformer.runtime.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

/**
 * A model in a graph of its own, without dropout, optimizer or loss, and the session that holds its
 * weights. Any number of threads may call {@link #run}; after {@link #close}, which waits for those
 * calls that are under way, it throws an {@link IllegalStateException}.
 */
public final class InferenceGraph implements AutoCloseable {

  private final Graph graph;
  private final Variables<TFloat32> variables;
  private final Session session;
  private final List<Model.Input> inputs;
  private final Map<String, Operand<?>> placeholders = new LinkedHashMap<>();
  private final Operand<TFloat32> output;
  private final Calls calls = new Calls();

  /**
   * A model with fresh weights, without its optional inputs.
   *
   * @param config what the model is
   * @param seed equal seeds give equal weights
   */
  public static InferenceGraph untrained(ModelConfig config, long seed) {
    InferenceGraph inference =
        new InferenceGraph(
            config, Set.of(), Map.of(), tf -> Variables.random(tf, TFloat32.class, seed));
    inference.session.initialize();
    return inference;
  }

  /**
   * A model with the weights of a model directory, without its optional inputs.
   *
   * @param directory with a configuration and weights
   * @throws dev.linformer.io.InvalidInputException if one of these is missing or damaged, or the
   *     weights don't fit the configuration
   * @throws IOException if a file cannot be read
   */
  public static InferenceGraph load(ModelDirectory directory) throws IOException {
    return load(directory, Set.of());
  }

  /**
   * A model with the weights of a model directory.
   *
   * @param directory with a configuration and weights
   * @param optional those of its optional inputs that it is to take, such as {@code mask}, bool
   *     [b,n]
   * @throws dev.linformer.io.InvalidInputException if configuration or weights are missing or
   *     damaged, or the weights don't fit the configuration
   * @throws IOException if a file cannot be read
   */
  public static InferenceGraph load(ModelDirectory directory, Set<String> optional)
      throws IOException {
    return load(directory, optional, Map.of());
  }

  /**
   * A model with the weights of a model directory, for sequences of other lengths than input_size.
   * It gives the numbers that it gives for the same sequences padded and masked.
   *
   * @param optional those of its optional inputs, such as masks, that it is to take
   * @param lengths positions of inputs by their names, masks' too, at most as many as the
   *     configuration has; inputs without a length have as many as that
   * @throws dev.linformer.io.InvalidInputException if the weights don't fit the configuration
   * @throws IllegalArgumentException if an input is longer
   */
  public static InferenceGraph load(
      ModelDirectory directory, Set<String> optional, Map<String, Integer> lengths)
      throws IOException {
    InferenceGraph inference =
        new InferenceGraph(
            directory.config(), optional, lengths, tf -> Variables.toBeLoaded(tf, TFloat32.class));
    try {
      WeightFile.load(inference.session, inference.variables.weights(), directory.weightsFile());
      return inference;
    } catch (IOException | RuntimeException e) {
      inference.close();
      throw e;
    }
  }

  private InferenceGraph(
      ModelConfig config,
      Set<String> optional,
      Map<String, Integer> lengths,
      Function<Ops, Variables<TFloat32>> start) {
    graph = new Graph();
    Ops tf = Ops.create(graph);
    variables = start.apply(tf);
    Model<TFloat32> model = config.forInference().declare(variables);
    inputs =
        model.inputs().stream()
            .filter(input -> !input.optional() || optional.contains(input.name()))
            .map(input -> shortened(input, lengths.get(input.name())))
            .toList();
    for (Model.Input input : inputs) {
      Operand<?> placeholder =
          tf.withName(input.name()).placeholder(input.type(), Placeholder.shape(input.shape()));
      placeholders.put(input.name(), placeholder);
    }
    output = tf.withName(model.outputName()).identity(model.call(tf, placeholders, null));
    session = Sessions.open(graph, Sessions.ALL_THREADS);
  }

  private static Model.Input shortened(Model.Input input, @Nullable Integer length) {
    if (length == null) {
      return input;
    }
    long[] sizes = input.shape().asArray();
    sizes[1] = length;
    return new Model.Input(
        input.name(), input.type(), Shape.of(sizes), input.vocabulary(), input.optional());
  }

  /** What a model of a configuration takes, with what is optional, the main input first. */
  public static List<Model.Input> inputs(ModelConfig config) {
    try (Graph graph = new Graph()) {
      return config.declare(Variables.toBeLoaded(Ops.create(graph), TFloat32.class)).inputs();
    }
  }

  /** What {@link #run} takes, the main input first. */
  public List<Model.Input> inputs() {
    return inputs;
  }

  /**
   * Computes the output of a model with one input.
   *
   * @param in of the input's type and shape: tokens, {@code TInt32} [b,n], or vectors, {@code
   *     TFloat32} [b,n,c]
   * @return to be closed by the caller; its only tensor is a {@link TFloat32}
   */
  public Result run(Tensor in) {
    return run(Map.of(inputs.get(0).name(), in));
  }

  /**
   * Computes the model's output.
   *
   * @param in a tensor for each of {@link #inputs} by its name, of its type and shape
   * @return to be closed by the caller; its only tensor is a {@link TFloat32}: encodings [b,n,c],
   *     logits [b,classes], or of a language model [b,n,vocabulary]
   * @throws IllegalArgumentException if an input is missing
   * @throws IllegalStateException if the model was closed
   */
  public Result run(Map<String, ? extends Tensor> in) {
    calls.enter();
    try {
      return compute(in);
    } finally {
      calls.leave();
    }
  }

  private Result compute(Map<String, ? extends Tensor> in) {
    Session.Runner runner = session.runner().fetch(output);
    placeholders.forEach(
        (name, placeholder) -> {
          Tensor tensor = in.get(name);
          if (tensor == null) {
            throw new IllegalArgumentException("input " + name + " is missing");
          }
          runner.feed(placeholder, tensor);
        });
    return runner.run();
  }

  /**
   * Writes the weights as they are, in float32.
   *
   * @param file a safetensors file, which appears whole or not at all
   * @throws dev.linformer.io.InvalidInputException if a weight is NaN or infinite; then nothing is
   *     written
   * @throws IOException if the file cannot be written
   */
  public void saveWeights(Path file) throws IOException {
    calls.enter();
    try {
      WeightFile.save(session, variables.weights(), file);
    } finally {
      calls.leave();
    }
  }

  /** The calls under way. */
  Calls calls() {
    return calls;
  }

  @Override
  public void close() {
    calls.close(
        () -> {
          session.close();
          graph.close();
        });
  }
}
