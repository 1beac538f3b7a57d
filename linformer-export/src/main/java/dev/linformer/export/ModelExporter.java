package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.text.PrintableText;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.tensorflow.proto.GraphDef;

/**
 * Writes a model for other runtimes: the inference graph with its weights, unknown batch, in one
 * format or several, with a model card, README.md.
 *
 * <pre>{@code
 * ModelDirectory model = ModelDirectory.open(Path.of("runs/my-model"));
 * Path version = ModelExporter.export(model, Path.of("exported")); // exported/1, a SavedModel
 * ModelExporter.export(
 *     model, Path.of("for-onnx"), ExportOptions.savedModel().withFormats(ExportFormat.ONNX));
 * }</pre>
 */
public final class ModelExporter {

  private ModelExporter() {}

  /**
   * Exports a SavedModel, as {@link ExportOptions#savedModel} says.
   *
   * @param model with a configuration and weights
   * @param out a new or empty folder, or one of versions
   * @return the version's folder
   * @throws InvalidInputException as {@link #export(ModelDirectory, Path, ExportOptions)}
   * @throws IOException if the model cannot be read, or writing fails; then no version is added
   */
  public static Path export(ModelDirectory model, Path out) throws IOException {
    return export(model, out, ExportOptions.savedModel());
  }

  /**
   * Exports the model of a directory as a new version in a folder: {@code out/1}, or the number
   * after the highest there. The version appears whole or not at all; older ones stay as they are.
   *
   * @param model with a configuration and weights
   * @param out a new or empty folder, or one of versions
   * @param options formats, signatures, lengths and precision
   * @return the version's folder
   * @throws InvalidInputException if something else is at {@code out}, or nothing can be written
   *     there, or if the model doesn't have what is asked for, or a format cannot express it
   * @throws IOException if the model cannot be read, or writing fails; then no version is added
   */
  public static Path export(ModelDirectory model, Path out, ExportOptions options)
      throws IOException {
    VersionFolder.requireOurs(out);
    try (ServingGraph serving = ServingGraph.load(model, options)) {
      for (ExportFormat format : options.formats()) {
        requireExpressible(serving, format);
      }
      String digest = Digests.of(model.weightsFile());
      Optional<TrainingRecord> training = TrainingRecord.of(model);
      return VersionFolder.add(out, aside -> write(serving, digest, training, aside));
    }
  }

  /**
   * The newest version in a folder, if it holds the weights that a model has now and every byte of
   * it is as it was exported.
   *
   * @param model whose weights are compared
   * @param out as in {@link #export(ModelDirectory, Path, ExportOptions)}; need not be there
   * @throws IOException if a file cannot be read
   */
  public static Optional<Path> find(ModelDirectory model, Path out) throws IOException {
    Path newest = Files.isDirectory(out) ? VersionFolder.highest(out).orElse(null) : null;
    if (newest == null) {
      return Optional.empty();
    }
    try {
      String exported = ManifestCheck.read(newest).weightsDigest();
      return exported.equals(Digests.of(model.weightsFile()))
          ? Optional.of(newest)
          : Optional.empty();
    } catch (InvalidInputException e) {
      return Optional.empty(); // damaged, or another's
    }
  }

  /**
   * How an export is loaded elsewhere, and called with all that it takes, in lines for people.
   *
   * @param version its folder
   * @param model the model that was exported
   * @param options as what
   */
  public static String howToLoad(Path version, ModelDirectory model, ExportOptions options) {
    return HowToLoad.text(
        PrintableText.of(version.toString()), model.config(), options.resolved(model));
  }

  private static void requireExpressible(ServingGraph serving, ExportFormat format) {
    if (format != ExportFormat.SAVEDMODEL) {
      FrozenGraph.requireSmall(format, FrozenGraph.bytes(serving));
    }
    if (format == ExportFormat.TFJS) {
      TfjsModel.requireKnown(serving);
    }
  }

  private static void write(
      ServingGraph serving, String digest, Optional<TrainingRecord> training, Path folder)
      throws IOException {
    Set<ExportFormat> formats = serving.options().formats();
    if (formats.contains(ExportFormat.SAVEDMODEL)) {
      SavedModelFile.writeWithVariables(serving, folder);
    }
    if (formats.contains(ExportFormat.FROZEN) || formats.contains(ExportFormat.TFLITE_READY)) {
      GraphDef frozen = FrozenGraph.of(serving, SavedModelFile.roots(serving.signatures()));
      if (formats.contains(ExportFormat.FROZEN)) {
        Path file = Files.createDirectories(folder.resolve("frozen")).resolve("model.pb");
        ProtobufFile.write(frozen, file);
      }
      if (formats.contains(ExportFormat.TFLITE_READY)) {
        SavedModelFile.writeFrozen(serving, frozen, folder.resolve("tflite-ready"));
      }
    }
    if (formats.contains(ExportFormat.TFJS)) {
      TfjsModel.write(serving, folder.resolve("tfjs"));
    }
    if (formats.contains(ExportFormat.ONNX)) {
      OnnxFile.write(serving, folder.resolve("onnx"));
    }
    Files.createDirectories(folder.resolve(Manifest.FOLDER));
    ModelDirectory.writeJson(folder.resolve(Manifest.CONFIG), serving.config().toJson());
    String card = ModelCard.text(serving, digest, training);
    Files.writeString(folder.resolve(ModelCard.NAME), card, StandardCharsets.UTF_8);
    Manifest.write(serving, folder, digest);
  }
}
