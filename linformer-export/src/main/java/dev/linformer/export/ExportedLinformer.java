package dev.linformer.export;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.runtime.CudaLibraries;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;

/**
 * A SavedModel of ours, loaded. Every byte of it has been compared with the digests that it was
 * exported with, and its inputs with its configuration. Any number of threads may use it at once.
 *
 * <pre>{@code
 * try (ExportedLinformer classifier = ExportedLinformer.load(Path.of("exported/1"))) {
 *   float[] logits = classifier.logits(new int[] {7, 2, 9}); // of one sequence, [classes]
 * }
 * }</pre>
 */
public final class ExportedLinformer implements AutoCloseable {

  private static final String MASK = "mask";

  /** Of a weight, in bfloat16. */
  private static final int LEAST_BYTES = 2;

  private final Path folder;
  private final Manifest manifest;
  private final ModelConfig config;
  private final SavedModelBundle bundle;
  private final Calls calls = new Calls();
  private final Map<String, LoadedSignature> functions;

  /**
   * Loads an export.
   *
   * @param folder a version, or a folder of versions, of which the highest is taken
   * @throws InvalidInputException if there is no SavedModel, none that {@link ModelExporter} wrote,
   *     or one in which anything has changed since
   */
  public static ExportedLinformer load(Path folder) {
    try {
      Path version = VersionFolder.find(folder);
      Manifest manifest = ManifestCheck.read(version);
      ModelConfig config = config(version);
      requireWeightsFor(config, version, manifest.bytes(SavedModelFile.VARIABLES));
      TensorFlow.version(); // loads the natives before the loader needs them
      CudaLibraries.load();
      SavedModelBundle bundle;
      try {
        bundle = SavedModelBundle.load(version.toString(), SavedModelBundle.DEFAULT_TAG);
      } catch (RuntimeException e) {
        throw Manifest.damaged(version, String.valueOf(e.getMessage()));
      }
      try {
        return new ExportedLinformer(version, manifest, config, bundle);
      } catch (RuntimeException e) {
        bundle.close();
        throw e;
      }
    } catch (IOException e) {
      throw new InvalidInputException("%s: cannot be read: %s".formatted(folder, e), e);
    }
  }

  private static ModelConfig config(Path version) {
    try {
      return ModelConfig.read(version.resolve(Manifest.CONFIG));
    } catch (InvalidInputException e) {
      throw Manifest.damaged(version, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Refuses layers, heads and widths whose weights the files cannot hold, since it would take ages
   * to declare them only to find that out.
   */
  private static void requireWeightsFor(ModelConfig config, Path folder, long bytes) {
    double queries = 0; // the least of what a layer has
    for (LinformerConfig stack : config.stacks()) {
      queries += (double) stack.depth() * stack.heads() * stack.headDim() * stack.channels();
    }
    if (queries * LEAST_BYTES > bytes) {
      throw Manifest.damaged(
          folder,
          String.format(
              Locale.ROOT,
              "its config.json describes more weights than its %,d bytes of them can be",
              bytes));
    }
  }

  private ExportedLinformer(
      Path folder, Manifest manifest, ModelConfig config, SavedModelBundle bundle) {
    this.folder = folder;
    this.manifest = manifest;
    this.config = config;
    this.bundle = bundle;
    this.functions = new SignatureCheck(folder, manifest, config, bundle).signatures();
  }

  /** What the model is. */
  public ModelConfig config() {
    return config;
  }

  /** The SHA-256 of the model.safetensors that was exported, in hexadecimal. */
  public String weightsDigest() {
    return manifest.weightsDigest();
  }

  /** The version of this library that wrote it. */
  public String libraryVersion() {
    return manifest.text("library_version");
  }

  /** The names of its signatures. */
  public List<String> signatures() {
    return List.copyOf(functions.keySet());
  }

  /** The shape of the model's main input; sizes that a caller chooses are unknown. */
  public Shape inputShape() {
    return main().entry().shape();
  }

  private LoadedSignature.SignatureInput main() {
    return function(SignatureName.SERVING_DEFAULT).inputs().values().iterator().next();
  }

  /**
   * A call of a signature, to be filled with inputs.
   *
   * @param signature one of {@link #signatures}
   * @throws InvalidInputException if the export doesn't have the signature
   */
  public Request request(SignatureName signature) {
    return new Request(function(signature), bundle.session(), bundle.graph(), calls);
  }

  LoadedSignature function(SignatureName signature) {
    LoadedSignature function = functions.get(signature.key());
    if (function == null) {
      throw new InvalidInputException(
          "%s has no signature %s, but %s; export it with --signatures %s"
              .formatted(
                  folder, signature.key(), String.join(", ", functions.keySet()), signature.key()));
    }
    return function;
  }

  /**
   * Encodes vectors, with an exported encoder that takes nothing else.
   *
   * @param x [b,n,c] in row-major order
   * @return [b,n,c]
   * @throws InvalidInputException if that is no whole number of sequences
   */
  public float[] encode(float[] x) {
    return request(SignatureName.SERVING_DEFAULT).with(main().entry().name(), x).run().only();
  }

  /**
   * The logits of tokens, of an exported model that takes nothing else but a mask.
   *
   * @param tokens [b,n] in row-major order; where the export takes a mask, a single sequence of up
   *     to n tokens, all of them real: the padding and the mask are made here
   * @return logits [b,classes], or of a language model [b,n,vocabulary]
   * @throws InvalidInputException if that is no whole number of sequences, or a token is out of
   *     range
   */
  public float[] logits(int[] tokens) {
    LoadedSignature.SignatureInput main = main();
    if (!takesMask()) {
      return request(SignatureName.SERVING_DEFAULT).with(main.entry().name(), tokens).run().only();
    }
    if (tokens.length > main.most().get(1)) {
      throw new InvalidInputException(
          "%s tokens, but this export takes a mask, so a single sequence of at most %s; give several as an array each"
              .formatted(tokens.length, main.most().get(1)));
    }
    return logits(new int[][] {tokens});
  }

  /**
   * The logits of sequences of their own lengths, of an exported model that takes nothing else but
   * a mask. What is missing to n tokens, or with any length to the longest sequence, is filled up
   * and masked.
   *
   * @param sequences the real tokens of each, at most n; exactly n if the export takes no mask
   * @return logits [b,classes], or of a language model [b,n,vocabulary]
   * @throws InvalidInputException if there are none, one has another length, or a token is out of
   *     range
   */
  public float[] logits(int[][] sequences) {
    String name = main().entry().name();
    long fixed = main().entry().shape().get(1);
    int most = Math.toIntExact(main().most().get(1));
    int longest = Arrays.stream(sequences).mapToInt(each -> each.length).max().orElse(0);
    int n = fixed == Shape.UNKNOWN_SIZE ? Math.max(1, longest) : most; // a text may be empty
    int[] tokens = new int[Math.multiplyExact(sequences.length, n)]; // [b,n]
    boolean[] mask = new boolean[tokens.length]; // [b,n]
    for (int row = 0; row < sequences.length; row++) {
      int length = sequences[row].length;
      if (length > most || (!takesMask() && length != n)) {
        throw new InvalidInputException(
            takesMask()
                ? "sequence %s has %s tokens, but at most %s are expected"
                    .formatted(row, length, most)
                : "sequence %s has %s tokens, but without a mask %s are expected; fill it up the way the model was trained, or export with --lengths masked"
                    .formatted(row, length, n));
      }
      System.arraycopy(sequences[row], 0, tokens, row * n, length);
      Arrays.fill(mask, row * n, row * n + length, true);
    }
    Request request =
        request(SignatureName.SERVING_DEFAULT).with(name, tokens, sequences.length, n);
    return (takesMask() ? request.with(MASK, mask, sequences.length, n) : request).run().only();
  }

  private boolean takesMask() {
    return function(SignatureName.SERVING_DEFAULT).inputs().containsKey(MASK);
  }

  /**
   * Sequences to be continued token by token, with an exported causal language model.
   *
   * @param batch how many, at least 1
   * @throws InvalidInputException if the export has no signature {@code decode}, or the model a
   *     source
   */
  public Decoder decoder(int batch) {
    return decoder(batch, null);
  }

  /**
   * Sequences to be made token by token for sources, with an exported encoder-decoder.
   *
   * @param source the answer to a request of {@link SignatureName#ENCODE}, of this export; any
   *     number of decoders may have the same
   * @throws InvalidInputException if the export has no signatures {@code encode} and {@code
   *     decode}, or if that is another answer
   */
  public Decoder decoder(SignatureOutputs source) {
    LoadedSignature encode = function(SignatureName.ENCODE);
    if (!source.isOf(encode)) {
      throw new InvalidInputException(
          "a decoder takes what signature encode of the same export gave, found an answer of %s"
              .formatted(
                  source.function().name().equals(encode.name())
                      ? "another export"
                      : "signature " + source.function().name()));
    }
    Shape shape = source.shape(source.names().iterator().next()); // [b,h,k,d]
    return decoder(Math.toIntExact(shape.get(0)), source);
  }

  private Decoder decoder(int batch, @Nullable SignatureOutputs source) {
    return new Decoder(
        () -> request(SignatureName.DECODE), function(SignatureName.DECODE), config, batch, source);
  }

  /** The session in which it computes; the caller must not close it. */
  Session session() {
    return bundle.session();
  }

  /** The calls under way. */
  Calls calls() {
    return calls;
  }

  /**
   * Waits for the calls under way and lets go of the model. From now on calls throw an {@link
   * IllegalStateException}.
   */
  @Override
  public void close() {
    calls.close(bundle::close);
  }
}
