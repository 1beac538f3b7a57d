package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What docs/export.md shows is what the tests run. */
class RecipesInDocsTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "python/saved_model.py",
        "python/masked.py",
        "python/decode.py",
        "python/translate.py",
        "python/frozen.py",
        "python/keras_layer.py",
        "python/tflite.py",
        "python/to_litert.py",
        "python/run_litert.py",
        "python/onnx_runtime.py",
        "c/classify.c",
        "javascript/classify.js",
        "djl/Classify.java",
        "rust/src/main.rs"
      })
  void areTheSame(String recipe) throws IOException {
    String documented = Files.readString(Path.of("..", "docs", "export.md"));
    String run = Files.readString(Path.of("recipes").resolve(recipe));
    assertTrue(documented.contains("\n" + run + "```\n"), recipe + " is not what is documented");
  }
}
