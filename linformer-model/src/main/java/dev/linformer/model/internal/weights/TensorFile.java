package dev.linformer.model.internal.weights;

import dev.linformer.io.InvalidInputException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;

/**
 * Named arrays of floats in a file, open for reading. Everything but the values is read and checked
 * when the file is opened, so a caller can compare shapes before it makes room for values.
 */
public interface TensorFile extends Closeable {

  /**
   * Opens a file of the format that its name ends with: {@code .safetensors}, {@code .npz}, or
   * PyTorch's {@code .pt}, {@code .pth} or {@code .bin}.
   *
   * @throws InvalidInputException if the name ends with none of them, if there is no such file, or
   *     it is not what it says
   * @throws IOException if the file cannot be read
   */
  static TensorFile open(Path file) throws IOException {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "safetensors" -> SafetensorsFile.open(file);
      case "npz" -> NpzFile.open(file);
      case "pt", "pth", "bin" -> PyTorchFile.open(file);
      default ->
          throw new InvalidInputException(
              file + ": a name that ends with .safetensors, .npz, .pt, .pth or .bin is expected");
    };
  }

  /** Names of the tensors. */
  Set<String> names();

  /**
   * Axes of a tensor; every axis is known.
   *
   * @throws InvalidInputException if the file has no tensor of that name
   */
  Shape shape(String name);

  /**
   * Copies a tensor's values in row-major order.
   *
   * @param into takes exactly as many values as the tensor has
   * @throws InvalidInputException if the file has no such tensor, if it holds no floats, or if
   *     {@code into} has another size
   * @throws IOException if the file cannot be read
   */
  void read(String name, FloatDataBuffer into) throws IOException;
}
