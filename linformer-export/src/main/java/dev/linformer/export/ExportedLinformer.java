package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Signature;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * A SavedModel of ours, loaded: checks what it is given, and may be called by any number of threads
 * at once.
 */
public final class ExportedLinformer implements AutoCloseable {

  private static final String VARIABLES = "variables/variables.index";

  private final SavedModelBundle bundle;
  private final String inputName;
  private final String outputName;
  private final Shape inputShape;

  /**
   * @throws InvalidInputException if there is no SavedModel, or none that {@link ModelExporter}
   *     wrote
   */
  public static ExportedLinformer load(Path folder) {
    if (!Files.isRegularFile(folder.resolve("saved_model.pb"))) {
      throw new InvalidInputException(folder + ": no SavedModel there, saved_model.pb is missing");
    }
    TensorFlow.version(); // loads the natives before the loader needs them
    SavedModelBundle bundle;
    try {
      bundle = SavedModelBundle.load(folder.toString(), SavedModelBundle.DEFAULT_TAG);
    } catch (RuntimeException e) {
      throw new InvalidInputException(
          "%s: the SavedModel is damaged: %s".formatted(folder, e.getMessage()), e);
    }
    try {
      return new ExportedLinformer(folder, bundle);
    } catch (RuntimeException e) {
      bundle.close();
      throw e;
    }
  }

  private ExportedLinformer(Path folder, SavedModelBundle bundle) {
    this.bundle = bundle;
    Signature signature =
        bundle.signatures().stream()
            .filter(each -> each.key().equals(Signature.DEFAULT_KEY))
            .findFirst()
            .orElseThrow(() -> foreign(folder));
    if (signature.inputNames().size() != 1 || signature.outputNames().size() != 1) {
      throw foreign(folder);
    }
    inputName = signature.inputNames().iterator().next();
    outputName = signature.outputNames().iterator().next();
    TensorInfo info =
        bundle
            .metaGraphDef()
            .getSignatureDefOrThrow(Signature.DEFAULT_KEY)
            .getInputsOrThrow(inputName);
    inputShape =
        Shape.of(
            info.getTensorShape().getDimList().stream()
                .mapToLong(TensorShapeProto.Dim::getSize)
                .toArray());
    if (!isOurs(info.getDtype())) {
      throw foreign(folder);
    }
    // Without it, TensorFlow loads the graph, and its variables have no values.
    if (!Files.isRegularFile(folder.resolve(VARIABLES))) {
      throw new InvalidInputException(
          "%s: the SavedModel is damaged: %s is missing".formatted(folder, VARIABLES));
    }
  }

  private boolean isOurs(DataType type) {
    int rank = inputShape.numDimensions();
    boolean vectors = type == DataType.DT_FLOAT && rank == 3;
    boolean tokens = type == DataType.DT_INT32 && rank == 2;
    return (vectors || tokens) && !inputShape.tail().hasUnknownDimension();
  }

  private static InvalidInputException foreign(Path folder) {
    return new InvalidInputException(
        folder
            + ": a SavedModel, but not one of ours: no signature serving_default"
            + " that makes one output of one input, float [b,n,c] or int32 [b,n]");
  }

  /** The shape of the input; its first axis, the batch, is unknown. */
  public Shape inputShape() {
    return inputShape;
  }

  /**
   * Encodes vectors, with an exported encoder.
   *
   * @param x [b,n,c] in row-major order
   * @return [b,n,c]
   * @throws InvalidInputException if that is no whole number of sequences
   */
  public float[] encode(float[] x) {
    Shape shape = batchOf(x.length, 3);
    try (TFloat32 input = TFloat32.tensorOf(shape, DataBuffers.of(x))) {
      return run(input);
    }
  }

  /**
   * Classifies tokens, with an exported classifier.
   *
   * @param tokens [b,n] in row-major order
   * @return logits [b,classes]
   * @throws InvalidInputException if that is no whole number of sequences
   */
  public float[] logits(int[] tokens) {
    Shape shape = batchOf(tokens.length, 2);
    try (TInt32 input = TInt32.tensorOf(shape, DataBuffers.of(tokens))) {
      return run(input);
    }
  }

  private Shape batchOf(long values, int rank) {
    if (inputShape.numDimensions() != rank) {
      throw new InvalidInputException(
          "this model's input is %s %s, given were values for %d axes"
              .formatted(inputName, inputShape.toString().replace("-1", "b"), rank));
    }
    long each = inputShape.tail().size();
    if (values == 0 || values % each != 0) {
      throw new InvalidInputException(
          "%d values are no whole number of inputs of %s".formatted(values, inputShape.tail()));
    }
    long[] sizes = inputShape.asArray();
    sizes[0] = values / each;
    return Shape.of(sizes);
  }

  private float[] run(TType input) {
    try (Result result = bundle.function(Signature.DEFAULT_KEY).call(Map.of(inputName, input))) {
      TFloat32 output = (TFloat32) result.get(outputName).orElseThrow();
      float[] values = new float[Math.toIntExact(output.size())];
      output.asRawTensor().data().asFloats().read(values);
      return values;
    }
  }

  @Override
  public void close() {
    bundle.close();
  }
}
