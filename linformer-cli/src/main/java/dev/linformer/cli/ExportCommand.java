package dev.linformer.cli;

import dev.linformer.export.ExportFormat;
import dev.linformer.export.ExportOptions;
import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.export.ModelExporter;
import dev.linformer.export.SignatureName;
import dev.linformer.export.StoragePrecision;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer export}: a model for other runtimes. */
@Command(
    name = "export",
    description = "Writes a model for other runtimes, as a new version in a folder.",
    footer = "  linformer export --model runs/model --out exported --formats savedmodel,onnx",
    mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {

  @Option(names = "--model", required = true, description = "A model directory.")
  private Path model = Path.of("");

  @Option(
      names = "--out",
      required = true,
      description = "A new or empty folder, or one of versions: OUT/1, OUT/2 and so on.")
  private Path out = Path.of("");

  @Option(
      names = "--formats",
      split = ",",
      paramLabel = "FORMAT",
      description =
          "Of savedmodel, frozen, tflite-ready, tfjs and onnx, with commas; savedmodel unless given.")
  private Set<String> formats = Set.of("savedmodel");

  @Option(
      names = "--signatures",
      split = ",",
      paramLabel = "NAME",
      description =
          "Of serving_default, embeddings, attention, encode and decode; all that the model has unless given, but encode, and decode with a source, only if given.")
  private Set<String> signatures = Set.of();

  @Option(
      names = "--attention-layers",
      split = ",",
      paramLabel = "LAYER",
      description = "Whose weights the signature attention gives, from 0; all unless given.")
  private Set<String> attentionLayers = Set.of();

  @Option(
      names = "--lengths",
      description =
          "fixed: input_size positions; masked: the same with a mask; any: up to input_size"
              + " positions, with a mask; trained, the default: masked where the training masked"
              + " its padding, otherwise fixed.")
  private String lengths = "trained";

  @Option(
      names = "--precision",
      description = "float32, the default, or bfloat16: weights in half the bytes.")
  private String precision = "float32";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    ExportOptions options =
        new ExportOptions(
            all(formats, ExportFormat::of),
            all(signatures, SignatureName::of),
            all(attentionLayers, ExportCommand::layer),
            lengths(lengths),
            StoragePrecision.of(precision));
    ModelDirectory directory = ModelDirectory.open(model);
    TensorFlowLog.quiet(spec);
    Path version = ModelExporter.export(directory, out, options);
    spec.commandLine().getOut().println(ModelExporter.howToLoad(version, directory, options));
    return 0;
  }

  private static <T> Set<T> all(Set<String> texts, Function<String, T> parse) {
    Set<T> all = new TreeSet<>();
    texts.forEach(text -> all.add(parse.apply(text.strip())));
    return all;
  }

  private static int layer(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          "--attention-layers %s, but layers are numbers from 0".formatted(text), e);
    }
  }

  private static Lengths lengths(String text) {
    return switch (text) {
      case "trained" -> Lengths.TRAINED;
      case "fixed" -> Lengths.FIXED;
      case "masked" -> Lengths.MASKED;
      case "any" -> Lengths.ANY;
      default ->
          throw new InvalidInputException(
              "--lengths %s, but trained, fixed, masked or any is expected".formatted(text));
    };
  }
}
