package dev.linformer.cli;

import dev.linformer.export.AttentionProbe;
import dev.linformer.export.Request;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.data.ListOps;
import dev.linformer.model.data.Tokenizer;
import dev.linformer.model.internal.weights.NpyFile;
import dev.linformer.visual.AttentionPicture;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.tensorflow.ndarray.Shape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer visualize}: what the heads of a model see, as a picture. */
@Command(
    name = "visualize",
    description = {
      "Draws what the heads of a model see in a sequence, P-bar, as heat maps of positions by compressed positions, as PNG.",
      "A row of the picture is a layer, a column a head. Of a file with several sequences the first is taken."
    },
    footer = {
      "  linformer visualize --model runs/model --input x.npy --out heads.png",
      "  linformer visualize --model runs/listops --text \"[MAX 2 9 ]\" --out heads.png"
    },
    mixinStandardHelpOptions = true)
final class VisualizeCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      description = "A model directory, or a SavedModel of this program's.")
  private Path model = Path.of("");

  @Option(
      names = "--input",
      description = "A .npy file: float32 [b,n,c] for an encoder, int [b,n] for a model of tokens.")
  private @Nullable Path input;

  @Option(
      names = "--text",
      description = "Instead of --input, for models of bytes, GPT-2's tokens or ListOps.")
  private @Nullable String text;

  @Option(
      names = "--source",
      description = "A .npy file, for models with a source: float32 [b,n,c], or int [b,n] tokens.")
  private @Nullable Path source;

  @Option(names = "--out", required = true, description = "The picture, a .png file.")
  private Path out = Path.of("");

  @Option(names = "--layer", description = "Only this layer, counted from 0.")
  private @Nullable Integer layer;

  @Option(names = "--head", description = "Only this head, counted from 0.")
  private @Nullable Integer head;

  @Option(names = "--n-limit", description = "Only so many of the first positions.")
  private @Nullable Integer limit;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    AttentionPicture picture = new AttentionPicture(layer, head, limit);
    PictureFile.require(out, model, input, source);
    if ((input == null) == (text == null)) {
      throw new InvalidInputException("one of --input and --text is expected");
    }
    if (!Files.isDirectory(model)) {
      throw new InvalidInputException("--model %s: no such folder".formatted(model));
    }
    BufferedImage image;
    TensorFlowLog.quiet(spec);
    try (AttentionProbe probe = AttentionProbe.load(model)) {
      image = picture.draw(probe.weights(request(probe)));
    }
    PictureFile.write(image, out);
    OutputNotice.say(spec, out);
    return 0;
  }

  private Request request(AttentionProbe probe) throws IOException {
    List<String> names = probe.inputs();
    Request request = probe.request();
    if (input != null) {
      add(request, names.get(0), "--input", input);
    } else if (text != null) {
      int[] tokens = tokens(text, probe);
      request.with(names.get(0), tokens, 1, tokens.length);
    }
    boolean hasSource = names.size() > 1;
    if (hasSource && source == null) {
      throw new InvalidInputException("this model takes a source; give it with --source");
    }
    if (source != null) {
      if (!hasSource) {
        throw new InvalidInputException("--source: this model takes none");
      }
      add(request, names.get(1), "--source", source);
    }
    return request;
  }

  /** The first sequence of a file. */
  private static void add(Request request, String name, String option, Path file)
      throws IOException {
    NpyFile values = InputFile.values(option, file);
    long[] shape = values.shape().asArray();
    if (shape.length < 2 || shape[0] == 0) {
      throw new InvalidInputException(
          "%s %s has shape %s, but [b,n,c], or [b,n] of tokens, is expected"
              .formatted(option, file, Arrays.toString(shape)));
    }
    shape[0] = 1;
    int size = Math.toIntExact(Shape.of(shape).size());
    try {
      if (values.isInteger()) {
        request.with(name, Arrays.copyOf(values.ints(), size), shape);
      } else {
        request.with(name, Arrays.copyOf(values.floats(), size), shape);
      }
    } catch (InvalidInputException e) {
      throw new InvalidInputException("%s %s: %s".formatted(option, file, e.getMessage()), e);
    }
  }

  /** The text as what a model with this vocabulary was trained on. */
  private static int[] tokens(String text, AttentionProbe probe) {
    int vocabulary = probe.vocabulary();
    if (vocabulary == 0) {
      throw new InvalidInputException("--text: this model takes vectors; give them with --input");
    }
    if (vocabulary == ListOps.VOCABULARY_SIZE) {
      int n = probe.config().stacks().get(0).sequenceLength();
      int[] tokens = ListOps.parse(text);
      return tokens.length > n ? tokens : Arrays.copyOf(tokens, n); // as in training
    }
    for (Tokenizer tokenizer : Tokenizer.values()) {
      // Masked language models have one more, for what is hidden.
      if (vocabulary == tokenizer.size() || vocabulary == tokenizer.size() + 1) {
        return tokenizer.encode(text);
      }
    }
    throw new InvalidInputException(
        "--text: num_tokens = %s belongs to no tokenizer of ours; give tokens with --input"
            .formatted(vocabulary));
  }
}
