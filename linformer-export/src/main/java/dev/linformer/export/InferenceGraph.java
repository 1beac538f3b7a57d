package dev.linformer.export;

import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.train.Sessions;
import dev.linformer.model.weights.WeightFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.Tensor;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TType;

/**
 * A model in a graph of its own, without dropout, optimizer or loss, and the session that holds its
 * weights. Any number of threads may call {@link #run}.
 */
public final class InferenceGraph implements AutoCloseable {

  private static final String PREDICT = "tensorflow/serving/predict";

  private final Graph graph;
  private final Variables<TFloat32> variables;
  private final Session session;
  private final Operand<?> input;
  private final Operand<TFloat32> output;
  private final Signature signature;

  /**
   * A model with fresh weights.
   *
   * @param seed of the weights
   */
  public static InferenceGraph untrained(ModelConfig config, long seed) {
    InferenceGraph inference =
        new InferenceGraph(config, tf -> Variables.random(tf, TFloat32.class, seed));
    inference.session.initialize();
    return inference;
  }

  /**
   * A model with the weights of a model directory.
   *
   * @throws dev.linformer.model.InvalidInputException if they don't fit the configuration
   */
  public static InferenceGraph load(ModelDirectory directory) throws IOException {
    InferenceGraph inference =
        new InferenceGraph(directory.config(), tf -> Variables.toBeLoaded(tf, TFloat32.class));
    try {
      WeightFile.load(inference.session, inference.variables.weights(), directory.weightsFile());
      return inference;
    } catch (IOException | RuntimeException e) {
      inference.close();
      throw e;
    }
  }

  private InferenceGraph(ModelConfig config, Function<Ops, Variables<TFloat32>> start) {
    graph = new Graph();
    Ops tf = Ops.create(graph);
    variables = start.apply(tf);
    Model<?, TFloat32> model = config.declare(variables);
    input = placeholder(tf, model);
    output = tf.withName(model.outputName()).identity(call(tf, model, input));
    signature =
        Signature.builder()
            .key(Signature.DEFAULT_KEY)
            .input(model.inputName(), input)
            .output(model.outputName(), output)
            .methodName(PREDICT)
            .build();
    session = Sessions.open(graph, Sessions.ALL_THREADS);
  }

  private static Operand<?> placeholder(Ops tf, Model<?, TFloat32> model) {
    return tf.withName(model.inputName())
        .placeholder(model.inputType(), Placeholder.shape(model.inputShape()));
  }

  @SuppressWarnings("unchecked") // the placeholder was made of the model's own input type
  private static <I extends TType> Operand<TFloat32> call(
      Ops tf, Model<I, TFloat32> model, Operand<?> input) {
    return model.call(tf, (Operand<I>) input, null);
  }

  /**
   * Computes the model's output.
   *
   * @param in of the input's type and shape
   * @return to be closed by the caller; its only tensor is a {@link TFloat32}
   */
  public Result run(Tensor in) {
    return session.runner().feed(input, in).fetch(output).run();
  }

  /** Writes the weights as they are to a safetensors file. */
  public void saveWeights(Path file) throws IOException {
    WeightFile.save(session, variables.weights(), file);
  }

  Session session() {
    return session;
  }

  /** serving_default: the model's input and output. */
  Signature signature() {
    return signature;
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
