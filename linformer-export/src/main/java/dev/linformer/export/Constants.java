package dev.linformer.export;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.BiConsumer;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/** Values of constants in graphs, which TensorFlow writes in several ways. */
final class Constants {

  private Constants() {}

  static long[] shape(TensorProto tensor) {
    return tensor.getTensorShape().getDimList().stream()
        .mapToLong(TensorShapeProto.Dim::getSize)
        .toArray();
  }

  private static int size(TensorProto tensor) {
    long size = 1;
    for (long each : shape(tensor)) {
      size *= each;
    }
    return Math.toIntExact(size);
  }

  /** All values in row-major order, little-endian. */
  static ByteString bytes(TensorProto tensor) {
    if (!tensor.getTensorContent().isEmpty() || size(tensor) == 0) {
      return tensor.getTensorContent();
    }
    return switch (tensor.getDtype()) {
      case DT_FLOAT -> pack(tensor, 4, tensor.getFloatValList(), ByteBuffer::putFloat);
      case DT_DOUBLE -> pack(tensor, 8, tensor.getDoubleValList(), ByteBuffer::putDouble);
      case DT_INT32 -> pack(tensor, 4, tensor.getIntValList(), ByteBuffer::putInt);
      case DT_INT64 -> pack(tensor, 8, tensor.getInt64ValList(), ByteBuffer::putLong);
      case DT_BOOL ->
          pack(
              tensor,
              1,
              tensor.getBoolValList(),
              (into, value) -> into.put((byte) (value ? 1 : 0)));
      default -> throw new IllegalArgumentException("a constant of " + tensor.getDtype());
    };
  }

  /** Values that are the same to the end are written once. */
  private static <V> ByteString pack(
      TensorProto tensor, int each, List<V> values, BiConsumer<ByteBuffer, V> put) {
    int size = size(tensor);
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(size, each)).order(ByteOrder.LITTLE_ENDIAN);
    if (!values.isEmpty()) {
      for (int i = 0; i < size; i++) {
        put.accept(bytes, values.get(Math.min(i, values.size() - 1)));
      }
    }
    return ByteString.copyFrom(bytes.rewind());
  }

  /** The values of a constant of int32 or int64. */
  static long[] longs(TensorProto tensor) {
    ByteBuffer bytes = bytes(tensor).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    long[] values = new long[size(tensor)];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (tensor.getDtype()) {
            case DT_INT32 -> bytes.getInt();
            case DT_INT64 -> bytes.getLong();
            default ->
                throw new IllegalArgumentException("whole numbers, not " + tensor.getDtype());
          };
    }
    return values;
  }
}
