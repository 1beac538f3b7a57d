package dev.linformer.model;

import dev.linformer.ops.Graphs;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.Weights;
import dev.linformer.runtime.Sessions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * A float32 model with fixed random weights in a session, run again and again while single values
 * of its inputs are changed: which values of the output change with them, to the last bit?
 */
final class Probe implements AutoCloseable {

  private final Graph graph = new Graph();
  private final Session session;
  private final Weights weights = new Weights();
  private final Map<Operand<?>, Tensor> inputs = new LinkedHashMap<>();

  /**
   * @param threads of the session
   */
  Probe(int threads) {
    session = Sessions.open(graph, threads);
  }

  Ops tf() {
    return Ops.create(graph);
  }

  ParameterFactory<TFloat32> weights() {
    return weights.constants(tf(), TFloat32.class);
  }

  /** An input of normal values. */
  Operand<TFloat32> vectors(long seed, long... sizes) {
    Shape shape = Shape.of(sizes);
    double[] values = Graphs.normal(seed, shape.size());
    TFloat32 tensor = TFloat32.tensorOf(shape);
    for (int i = 0; i < values.length; i++) {
      tensor.asRawTensor().data().asFloats().setFloat((float) values[i], i);
    }
    return put(tf().placeholder(TFloat32.class, Placeholder.shape(shape)), tensor);
  }

  /** An input of tokens. */
  Operand<TInt32> tokens(long seed, int vocabulary, long... sizes) {
    Shape shape = Shape.of(sizes);
    int[] values = new Random(seed).ints(shape.size(), 0, vocabulary).toArray();
    return put(
        tf().placeholder(TInt32.class, Placeholder.shape(shape)),
        TInt32.tensorOf(shape, DataBuffers.of(values)));
  }

  private <O extends Operand<?>> O put(O placeholder, Tensor tensor) {
    inputs.put(placeholder, tensor);
    return placeholder;
  }

  /**
   * Gives a position of an input another content.
   *
   * @param position counted over all sequences
   * @param content a vector of this and its like; for a token, how far on the next one is, roughly
   */
  void set(Operand<?> input, int position, int vocabulary, double content) {
    Tensor tensor = Objects.requireNonNull(inputs.get(input));
    if (tensor instanceof TInt32 tokens) {
      var data = tokens.asRawTensor().data().asInts();
      int distance = 1 + Math.floorMod((int) content, vocabulary - 1); // never the same token
      data.setInt((data.getInt(position) + distance) % vocabulary, position);
    } else {
      var data = ((TFloat32) tensor).asRawTensor().data().asFloats();
      int width = Math.toIntExact(tensor.shape().get(tensor.shape().numDimensions() - 1));
      for (int c = 0; c < width; c++) {
        data.setFloat((float) (content + c), (long) position * width + c);
      }
    }
  }

  /** The bits of the output's values. */
  int[] bits(Operand<TFloat32> output) {
    Session.Runner runner = session.runner().fetch(output);
    inputs.forEach(runner::feed);
    try (Result result = runner.run()) {
      var data = ((TFloat32) result.get(0)).asRawTensor().data().asFloats();
      var bits = new int[Math.toIntExact(data.size())];
      for (int i = 0; i < bits.length; i++) {
        bits[i] = Float.floatToRawIntBits(data.getFloat(i));
      }
      return bits;
    }
  }

  @Override
  public void close() {
    inputs.values().forEach(Tensor::close);
    session.close();
    graph.close();
  }
}
