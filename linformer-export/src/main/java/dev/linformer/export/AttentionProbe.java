package dev.linformer.export;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What the heads of a model see: P̄ for inputs of one's own, from a model directory or an export.
 *
 * <pre>{@code
 * try (AttentionProbe probe = AttentionProbe.load(Path.of("runs/my-model"))) {
 *   List<AttentionWeights> weights = probe.weights(new int[] {7, 2, 9}); // P-bar of each attention
 *   float[][] first = weights.get(0).matrix(0, 0); // of sequence 0 and head 0, [n,k]
 * }
 * }</pre>
 */
public final class AttentionProbe implements AutoCloseable {

  private final ModelConfig config;
  private final LoadedSignature function;
  private final Supplier<Request> requests;
  private final Calls calls;
  private final Runnable end;

  private AttentionProbe(
      ModelConfig config,
      LoadedSignature function,
      Supplier<Request> requests,
      Calls calls,
      Runnable end) {
    this.config = config;
    this.function = function;
    this.requests = requests;
    this.calls = calls;
    this.end = end;
  }

  /**
   * Loads a model.
   *
   * @param folder a model directory, which takes sequences of any length up to n; or an export with
   *     the signature {@code attention}, a version or a folder of versions
   * @throws InvalidInputException if it is neither, or damaged
   * @throws IOException if a file cannot be read
   */
  public static AttentionProbe load(Path folder) throws IOException {
    if (Files.isDirectory(folder) && Files.isRegularFile(new ModelDirectory(folder).configFile())) {
      return of(ModelDirectory.open(folder));
    }
    ExportedLinformer exported = ExportedLinformer.load(folder);
    try {
      return new AttentionProbe(
          exported.config(),
          exported.function(SignatureName.ATTENTION),
          () -> exported.request(SignatureName.ATTENTION),
          exported.calls(),
          exported::close);
    } catch (RuntimeException e) {
      exported.close();
      throw e;
    }
  }

  private static AttentionProbe of(ModelDirectory directory) throws IOException {
    ServingGraph serving =
        ServingGraph.load(
            directory,
            ExportOptions.savedModel()
                .withSignatures(SignatureName.ATTENTION)
                .withLengths(Lengths.ANY));
    ServingSignature signature = serving.signatures().get(0);
    Map<String, Model.Input> known = SignatureCheck.inputs(serving.config());
    Map<String, LoadedSignature.SignatureInput> inputs = new LinkedHashMap<>();
    for (Manifest.ManifestTensor entry : Manifest.entries(signature.inputs())) {
      Model.Input input = known.get(entry.name());
      if (input == null) {
        throw new IllegalStateException("no input " + entry.name());
      }
      inputs.put(
          entry.name(),
          new LoadedSignature.SignatureInput(entry, input.shape(), input.vocabulary()));
    }
    var function =
        new LoadedSignature(signature.name(), inputs, Manifest.entries(signature.outputs()));
    Calls calls = new Calls();
    return new AttentionProbe(
        serving.config(),
        function,
        () -> new Request(function, serving.session(), serving.graph(), calls),
        calls,
        () -> calls.close(serving::close));
  }

  /** What the model is. */
  public ModelConfig config() {
    return config;
  }

  /** The main input, and a source if the model has one; not the masks. */
  public List<String> inputs() {
    return function.inputs().values().stream()
        .filter(input -> !input.isMask())
        .map(input -> input.entry().name())
        .toList();
  }

  /** Below which the tokens of the main input are; 0 if it takes vectors. */
  public int vocabulary() {
    return function.inputs().values().iterator().next().vocabulary();
  }

  /** A call, to be filled with inputs. What masks it isn't given are all true. */
  public Request request() {
    return requests.get();
  }

  /**
   * P̄ of all attentions that the model, or the export, gives.
   *
   * @param request from {@link #request}
   * @return one for each attention, [b,h,n,k]
   * @throws InvalidInputException if an input is missing, or two don't belong together
   */
  public List<AttentionWeights> weights(Request request) {
    SignatureOutputs answer = request.withFullMasks().run();
    return answer.names().stream()
        .map(
            name ->
                new AttentionWeights(
                    name, compressed(name), answer.shape(name), answer.values(name)))
        .toList();
  }

  /** Whether the stack of layers that an attention belongs to compresses. */
  private boolean compressed(String attention) {
    List<LinformerConfig> stacks = config.stacks();
    int stack = attention.startsWith(AttentionWeights.ENCODER) ? 0 : stacks.size() - 1;
    return !stacks.get(stack).fullAttention();
  }

  /**
   * P̄ for one sequence of tokens.
   *
   * @param tokens at most n, all of them real
   * @return one for each attention, [1,h,n,k]
   * @throws InvalidInputException if the model takes something else, a token is out of range, or
   *     there are too many
   */
  public List<AttentionWeights> weights(int[] tokens) {
    return weights(request().with(inputs().get(0), tokens, 1, tokens.length));
  }

  /** The calls under way. */
  Calls calls() {
    return calls;
  }

  /** Waits for the calls under way; later ones throw an {@link IllegalStateException}. */
  @Override
  public void close() {
    end.run();
  }
}
