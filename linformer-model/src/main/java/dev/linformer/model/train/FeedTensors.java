package dev.linformer.model.train;

import dev.linformer.model.data.Batch;
import dev.linformer.model.data.Objective;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** Tensors for placeholders, all closed together. */
final class FeedTensors implements AutoCloseable {

  private final Map<Operand<?>, Tensor> tensors = new LinkedHashMap<>();
  private final List<Tensor> others = new ArrayList<>();

  /**
   * Adds a batch's values of a field.
   *
   * @throws IllegalArgumentException if they are too few or too many for the field's shape, of
   *     another type, or not there
   */
  void put(Operand<?> placeholder, Objective.Field field, Batch batch) {
    Shape shape = TrainingGraph.withBatch(field, batch.size());
    boolean floats = field.type() == TFloat32.class;
    int length = floats ? batch.floats(field.name()).length : batch.ints(field.name()).length;
    if (length != shape.size()) {
      throw new IllegalArgumentException(
          "field %s: %s values, but %s are expected: shape %s"
              .formatted(field.name(), length, shape.size(), shape));
    }
    tensors.put(
        placeholder,
        floats
            ? TFloat32.tensorOf(shape, DataBuffers.of(batch.floats(field.name())))
            : TInt32.tensorOf(shape, DataBuffers.of(batch.ints(field.name()))));
  }

  void put(Operand<TInt64> placeholder, long value) {
    tensors.put(placeholder, TInt64.scalarOf(value));
  }

  void put(Operand<TFloat32> placeholder, float value) {
    tensors.put(placeholder, TFloat32.scalarOf(value));
  }

  /** Closes a tensor with the others. */
  TFloat32 own(TFloat32 tensor) {
    others.add(tensor);
    return tensor;
  }

  Session.Runner into(Session.Runner runner) {
    tensors.forEach(runner::feed);
    return runner;
  }

  @Override
  public void close() {
    tensors.values().forEach(Tensor::close);
    others.forEach(Tensor::close);
  }
}
