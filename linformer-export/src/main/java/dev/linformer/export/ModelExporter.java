package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.weights.WholeFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.tensorflow.SavedModelBundle;

/**
 * Writes SavedModels: the inference graph with its weights, signature {@code serving_default},
 * unknown batch.
 */
public final class ModelExporter {

  /** What a SavedModel's folder holds, whoever wrote it. */
  private static final Set<String> SAVED_MODEL =
      Set.of("saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra");

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
            "%s: cannot write there (%s: %s); name a folder that you may write to"
                .formatted(out, e.getClass().getSimpleName(), e.getMessage()),
            e);
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
    Set<String> found = new TreeSet<>();
    try (var entries = Files.list(out)) {
      entries.forEach(entry -> found.add(entry.getFileName().toString()));
    }
    if (found.isEmpty()) {
      return;
    }
    if (!found.contains("saved_model.pb")) {
      throw new InvalidInputException(
          out + " is not empty and no SavedModel; name a new or empty folder");
    }
    found.removeAll(SAVED_MODEL);
    if (!found.isEmpty()) {
      throw new InvalidInputException(
          "%s is a SavedModel with other things beside it, and they would be lost: %s"
              .formatted(out, String.join(", ", found)));
    }
  }
}
