package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.tensorflow.SavedModelBundle;

/**
 * Writes SavedModels: the inference graph with its weights, signature {@code serving_default},
 * unknown batch.
 */
public final class ModelExporter {

  private ModelExporter() {}

  /**
   * Exports the model of a directory. The SavedModel appears whole or not at all.
   *
   * @param out a new or empty folder, or a SavedModel, which is replaced
   * @throws InvalidInputException if something else is at {@code out}, or nothing can be written
   *     there
   */
  public static void export(ModelDirectory model, Path out) throws IOException {
    requireOurs(out);
    Path target = out.toAbsolutePath();
    try (InferenceGraph inference = InferenceGraph.load(model)) {
      try {
        Files.createDirectories(target.getParent());
        WholeFile.writeFolder(target, aside -> write(inference, aside));
      } catch (IOException e) {
        throw new InvalidInputException(
            "%s: cannot write there (%s)".formatted(out, e.getMessage()), e);
      }
    }
  }

  private static void write(InferenceGraph inference, Path folder) throws IOException {
    SavedModelBundle.exporter(folder.toString())
        .withTags(SavedModelBundle.DEFAULT_TAG)
        .withSession(inference.session())
        .withSignature(inference.signature())
        .export();
  }

  private static void requireOurs(Path out) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new InvalidInputException(out + " is a file; name a folder");
    }
    try (var entries = Files.list(out)) {
      if (entries.findAny().isPresent() && !Files.exists(out.resolve("saved_model.pb"))) {
        throw new InvalidInputException(
            out + " is not empty and no SavedModel; name a new or empty folder");
      }
    }
  }
}
