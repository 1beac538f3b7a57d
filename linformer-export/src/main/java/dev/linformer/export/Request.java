package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * A call of an exported signature. Inputs are given by name, in row-major order; a shape need be
 * given only where more than the batch is open. For one thread; make one a call.
 */
public final class Request {

  private final LoadedSignature function;
  private final Session session;
  private final Graph graph;
  private final Calls calls;

  /** Makes a tensor, when all inputs are known to be right. */
  private record Value(Shape shape, Function<Shape, Tensor> tensor) {}

  private final Map<String, Value> values = new LinkedHashMap<>();

  Request(LoadedSignature function, Session session, Graph graph, Calls calls) {
    this.function = function;
    this.session = session;
    this.graph = graph;
    this.calls = calls;
  }

  /**
   * Vectors or a state.
   *
   * @param name of the input
   * @param x in row-major order, [b,n,c] of vectors
   * @param shape of the values; may be left out where only the batch is open
   * @return this call
   * @throws InvalidInputException if there is no such input, or of another type or shape
   */
  public Request with(String name, float[] x, long... shape) {
    return put(
        name, "float32", x.length, shape, full -> TFloat32.tensorOf(full, DataBuffers.of(x)));
  }

  /**
   * Tokens.
   *
   * @param name of the input
   * @param x in row-major order, [b,n]
   * @param shape of the values; may be left out where only the batch is open
   * @return this call
   * @throws InvalidInputException if there is no such input, or of another type or shape, or if a
   *     token is out of range
   */
  public Request with(String name, int[] x, long... shape) {
    put(name, "int32", x.length, shape, full -> TInt32.tensorOf(full, DataBuffers.of(x)));
    int vocabulary = input(name).vocabulary();
    for (int token : x) {
      if (vocabulary > 0 && (token < 0 || token >= vocabulary)) {
        throw new InvalidInputException(
            "input %s: token %s, but 0 to num_tokens - 1 = %s is expected"
                .formatted(name, token, vocabulary - 1));
      }
    }
    return this;
  }

  /**
   * A mask.
   *
   * @param name of the input
   * @param x true at real positions, in row-major order, [b,n]
   * @param shape of the values; may be left out where only the batch is open
   * @return this call
   * @throws InvalidInputException if there is no such input, or of another type or shape
   */
  public Request with(String name, boolean[] x, long... shape) {
    return put(name, "bool", x.length, shape, full -> TBool.tensorOf(full, DataBuffers.of(x)));
  }

  /** Masks that aren't given yet, all true. */
  Request withFullMasks() {
    String first = function.inputs().keySet().iterator().next();
    function
        .inputs()
        .forEach(
            (name, input) -> {
              Value of = values.get(name.equals("source_mask") ? "source" : first);
              if (input.isMask() && !values.containsKey(name) && of != null) {
                long[] shape = Arrays.copyOf(of.shape.asArray(), 2);
                boolean[] real = new boolean[Math.toIntExact(shape[0] * shape[1])];
                Arrays.fill(real, true);
                with(name, real, shape);
              }
            });
    return this;
  }

  /**
   * A position.
   *
   * @param name of the input
   * @param x counted from 0, a scalar
   * @return this call
   * @throws InvalidInputException if there is no such input, or of another type or shape, or if the
   *     position is below 0, or above the last one
   */
  public Request with(String name, long x) {
    put(name, "int64", 1, new long[0], scalar -> TInt64.scalarOf(x));
    int positions = input(name).vocabulary();
    if (positions > 0 && (x < 0 || x >= positions)) {
      throw new InvalidInputException(
          "input %s: %s, but 0 to input_size - 1 = %s is expected"
              .formatted(name, x, positions - 1));
    }
    return this;
  }

  private Request put(
      String name, String dtype, int size, long[] shape, Function<Shape, Tensor> tensor) {
    LoadedSignature.SignatureInput input = input(name);
    Manifest.ManifestTensor entry = input.entry();
    if (!entry.dtype().equals(dtype)) {
      throw new InvalidInputException(
          "input %s is %s %s, but %s was given"
              .formatted(name, entry.dtype(), letters(entry.shape()), dtype));
    }
    Shape full = shape.length == 0 ? infer(entry, size) : Shape.of(shape);
    requireFit(input, full, size);
    values.put(name, new Value(full, tensor));
    return this;
  }

  private LoadedSignature.SignatureInput input(String name) {
    LoadedSignature.SignatureInput input = function.inputs().get(name);
    if (input == null) {
      throw new InvalidInputException(
          "signature %s has no input %s, but %s"
              .formatted(function.name(), name, String.join(", ", function.inputs().keySet())));
    }
    return input;
  }

  private static Shape infer(Manifest.ManifestTensor entry, int size) {
    long[] sizes = entry.shape().asArray();
    if (sizes.length == 0) {
      return Shape.scalar();
    }
    if (entry.shape().tail().hasUnknownDimension()) {
      throw new InvalidInputException(
          "input %s takes sequences of any length, %s: give the shape of the values, too"
              .formatted(entry.name(), letters(entry.shape())));
    }
    long each = entry.shape().tail().size();
    if (size == 0 || size % each != 0) {
      throw new InvalidInputException(
          "input %s: %s values are no whole number of %s"
              .formatted(entry.name(), size, entry.shape().tail()));
    }
    sizes[0] = size / each;
    return Shape.of(sizes);
  }

  private static void requireFit(LoadedSignature.SignatureInput input, Shape shape, int size) {
    long[] wanted = input.entry().shape().asArray();
    long[] most = input.most().asArray();
    long[] found = shape.asArray();
    boolean fits = found.length == wanted.length && shape.size() == size && size > 0;
    for (int axis = 0; fits && axis < found.length; axis++) {
      boolean open = wanted[axis] == Shape.UNKNOWN_SIZE;
      fits =
          open
              ? most[axis] == Shape.UNKNOWN_SIZE || found[axis] <= most[axis]
              : found[axis] == wanted[axis];
    }
    if (!fits) {
      throw new InvalidInputException(
          "input %s takes %s with at most %s, given were %s values of shape %s"
              .formatted(
                  input.entry().name(),
                  letters(input.entry().shape()),
                  letters(input.most()),
                  size,
                  shape));
    }
  }

  private static String letters(Shape shape) {
    return shape.toString().replaceFirst("-1", "b").replace("-1", "m");
  }

  /**
   * Computes all outputs.
   *
   * @throws InvalidInputException if an input is missing, or two don't belong together
   * @throws IllegalStateException if the model was closed
   */
  public SignatureOutputs run() {
    requireAll();
    calls.enter();
    try {
      return compute();
    } finally {
      calls.leave();
    }
  }

  private SignatureOutputs compute() {
    Session.Runner runner = session.runner();
    Map<String, Tensor> fed = new LinkedHashMap<>();
    try {
      values.forEach((name, value) -> fed.put(name, value.tensor.apply(value.shape)));
      fed.forEach(
          (name, tensor) ->
              runner.feed(graph.operationOrThrow(input(name).entry().node()).output(0), tensor));
      function
          .outputs()
          .forEach(output -> runner.fetch(graph.operationOrThrow(output.node()).output(0)));
      try (Result result = runner.run()) {
        return new SignatureOutputs(function, result);
      }
    } finally {
      fed.values().forEach(Tensor::close);
    }
  }

  private void requireAll() {
    for (String name : function.inputs().keySet()) {
      if (!values.containsKey(name)) {
        throw new InvalidInputException(
            "signature %s: input %s is missing".formatted(function.name(), name));
      }
    }
    Map<String, long[]> sizes = new LinkedHashMap<>();
    values.forEach((name, value) -> sizes.put(name, value.shape.asArray()));
    String first = function.inputs().keySet().iterator().next();
    sizes.forEach(
        (name, shape) -> {
          if (shape.length > 0 && shape[0] != batch(sizes, first)) {
            throw new InvalidInputException(
                "input %s has a batch of %s, but %s of %s"
                    .formatted(name, shape[0], first, batch(sizes, first)));
          }
        });
    requireSameLength(sizes, "mask", first);
    requireSameLength(sizes, "source_mask", "source");
  }

  private static long batch(Map<String, long[]> sizes, String name) {
    long[] shape = sizes.getOrDefault(name, new long[] {1});
    return shape[0];
  }

  private static void requireSameLength(Map<String, long[]> sizes, String mask, String of) {
    long[] some = sizes.get(mask);
    long[] others = sizes.get(of);
    if (some != null && others != null && some[1] != others[1]) {
      throw new InvalidInputException(
          "input %s has %s positions, but %s has %s; shapes are %s and %s"
              .formatted(
                  mask, some[1], of, others[1], Arrays.toString(some), Arrays.toString(others)));
    }
  }
}
