package dev.linformer.model.internal.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * Writes named float32 arrays as a safetensors file; see {@link SafetensorsFile} for the format.
 */
public final class SafetensorsWriter {
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A named array.
   *
   * @param shape without unknown axes
   * @param values in row-major order, as many as the shape has
   */
  public record Tensor(String name, Shape shape, FloatDataBuffer values) {
    /**
     * Checks that values and shape agree.
     *
     * @throws InvalidInputException if they do not, or if the format reserves the name
     */
    public Tensor {
      if (shape.hasUnknownDimension() || shape.size() != values.size()) {
        throw new InvalidInputException(
            String.format("tensor '%s': %s values for shape %s", name, values.size(), shape));
      }
      if (name.equals(SafetensorsHeader.METADATA)) {
        throw new InvalidInputException("a tensor cannot be named " + name + ": choose another");
      }
    }
  }

  private SafetensorsWriter() {}

  /**
   * Writes the tensors in the order given, little-endian. The file appears whole or not at all; an
   * older one of its name is replaced. Equal arguments give equal bytes: metadata is sorted by key.
   *
   * @throws InvalidInputException if two tensors share a name
   * @throws IOException if the file cannot be written
   */
  public static void write(Path file, Map<String, String> metadata, List<Tensor> tensors)
      throws IOException {
    ByteBuffer header = header(metadata, tensors);
    AtomicFile.write(
        file,
        channel -> {
          FileBytes.drain(header, channel);
          for (Tensor tensor : tensors) {
            FileBytes.drain(tensor.values(), channel);
          }
        });
  }

  private static ByteBuffer header(Map<String, String> metadata, List<Tensor> tensors)
      throws JsonProcessingException {
    ObjectNode root = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode texts = root.putObject(SafetensorsHeader.METADATA);
      new TreeMap<>(metadata).forEach(texts::put);
    }
    long offset = 0;
    for (Tensor tensor : tensors) {
      if (root.has(tensor.name())) {
        throw new InvalidInputException("two tensors are named '" + tensor.name() + "'");
      }
      ObjectNode entry = root.putObject(tensor.name()).put("dtype", "F32");
      Arrays.stream(tensor.shape().asArray()).forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(offset);
      offset += Float.BYTES * tensor.values().size();
      entry.withArray("data_offsets").add(offset);
    }
    byte[] json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    if (padded > SafetensorsFile.MAX_HEADER) {
      throw new InvalidInputException(
          "%s tensors have a header of %s bytes, and no reader takes more than %s"
              .formatted(tensors.size(), padded, SafetensorsFile.MAX_HEADER));
    }
    ByteBuffer header = FileBytes.littleEndian(Long.BYTES + padded).putLong(padded).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.flip();
  }
}
