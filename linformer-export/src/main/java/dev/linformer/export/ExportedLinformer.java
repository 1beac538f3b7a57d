package dev.linformer.export;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.train.CudaLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.types.TFloat32;

/**
 * A SavedModel of ours, loaded. Every byte of it has been compared with the digests that it was
 * exported with, and its inputs with its configuration. Any number of threads may use it at once.
 */
public final class ExportedLinformer implements AutoCloseable {

  private final Path folder;
  private final Manifest manifest;
  private final ModelConfig config;
  private final SavedModelBundle bundle;
  private final Map<String, Function> functions = new LinkedHashMap<>();

  /**
   * A signature, ready to be called.
   *
   * @param inputs what is fed, by name
   * @param outputs what is fetched
   */
  record Function(String name, Map<String, Input> inputs, List<Manifest.Entry> outputs) {

    /**
     * An input.
     *
     * @param most the shape with all positions; of other inputs than the model's, their own
     * @param vocabulary tokens are below it; 0 for other inputs
     */
    record Input(Manifest.Entry entry, Shape most, int vocabulary) {
      boolean isMask() {
        return entry.dtype().equals("bool");
      }
    }
  }

  /**
   * Loads an export.
   *
   * @param folder a version, or a folder of versions, of which the highest is taken
   * @throws InvalidInputException if there is no SavedModel, none that {@link ModelExporter} wrote,
   *     or one in which anything has changed since
   */
  public static ExportedLinformer load(Path folder) {
    try {
      Path version = version(folder);
      Manifest manifest = Manifest.check(version);
      ModelConfig config = ModelConfig.read(version.resolve(Manifest.CONFIG));
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

  private static Path version(Path folder) throws IOException {
    if (Files.isDirectory(folder)
        && !Files.exists(folder.resolve(SavedModelFile.NAME))
        && !Files.exists(folder.resolve(Manifest.NAME))) {
      OptionalLong highest = VersionFolder.highest(folder);
      if (highest.isPresent()) {
        return version(folder.resolve(Long.toString(highest.getAsLong())));
      }
    }
    if (!Files.isRegularFile(folder.resolve(SavedModelFile.NAME))) {
      throw new InvalidInputException(
          "%s: no SavedModel there, %s is missing".formatted(folder, SavedModelFile.NAME));
    }
    return folder;
  }

  private ExportedLinformer(
      Path folder, Manifest manifest, ModelConfig config, SavedModelBundle bundle) {
    this.folder = folder;
    this.manifest = manifest;
    this.config = config;
    this.bundle = bundle;
    Map<String, Model.Input> known = inputs(config);
    Map<String, SignatureDef> there = bundle.metaGraphDef().getSignatureDefMap();
    for (String name : manifest.signatures()) {
      SignatureDef found = there.get(name);
      if (found == null) {
        throw Manifest.damaged(folder, "its graph has no signature " + name);
      }
      boolean pass = !name.equals(SignatureName.DECODE.key());
      Map<String, Function.Input> inputs = new LinkedHashMap<>();
      for (Manifest.Entry entry : manifest.tensors(name, "inputs")) {
        requireSame(entry, found.getInputsMap().get(entry.name()));
        inputs.put(
            entry.name(),
            pass ? fromConfig(entry, known) : new Function.Input(entry, entry.shape(), 0));
      }
      List<Manifest.Entry> outputs = manifest.tensors(name, "outputs");
      outputs.forEach(entry -> requireSame(entry, found.getOutputsMap().get(entry.name())));
      functions.put(name, new Function(name, inputs, outputs));
    }
  }

  /** What a model of this configuration takes, by name. */
  static Map<String, Model.Input> inputs(ModelConfig config) {
    Map<String, Model.Input> inputs = new LinkedHashMap<>();
    try (Graph graph = new Graph()) {
      for (Model.Input input :
          config.declare(Variables.toBeLoaded(Ops.create(graph), TFloat32.class)).inputs()) {
        inputs.put(input.name(), input);
      }
    }
    return inputs;
  }

  private Function.Input fromConfig(Manifest.Entry entry, Map<String, Model.Input> known) {
    Model.Input input = known.get(entry.name());
    if (input == null) {
      throw Manifest.damaged(
          folder, "its %s takes no input %s".formatted(config.modelType(), entry.name()));
    }
    long[] found = entry.shape().asArray();
    long[] wanted = input.shape().asArray();
    boolean fits = found.length == wanted.length;
    for (int axis = 0; fits && axis < found.length; axis++) {
      fits = found[axis] == wanted[axis] || (axis == 1 && found[axis] == Shape.UNKNOWN_SIZE);
    }
    if (!fits) {
      throw Manifest.damaged(
          folder,
          "%s has input %s %s, but its config.json says %s"
              .formatted(SavedModelFile.NAME, entry.name(), entry.shape(), input.shape()));
    }
    return new Function.Input(entry, input.shape(), input.vocabulary());
  }

  /** The graph has what the manifest says. */
  private void requireSame(Manifest.Entry entry, @Nullable TensorInfo info) {
    boolean same =
        info != null
            && info.getName().equals(entry.node() + ":0")
            && info.getTensorShape().getDimList().stream()
                .map(each -> each.getSize())
                .toList()
                .equals(Arrays.stream(entry.shape().asArray()).boxed().toList())
            && bundle.graph().operation(entry.node()) != null;
    if (!same) {
      throw Manifest.damaged(
          folder,
          "%s has no %s %s as %s says"
              .formatted(SavedModelFile.NAME, entry.name(), entry.shape(), Manifest.NAME));
    }
  }

  /** What the model is. */
  public ModelConfig config() {
    return config;
  }

  /** The SHA-256 of the model.safetensors that was exported, in hexadecimal. */
  public String weightsDigest() {
    return manifest.text("weights_sha256");
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

  private Function.Input main() {
    return function(SignatureName.SERVING_DEFAULT).inputs().values().iterator().next();
  }

  /**
   * A call of a signature, to be filled with inputs.
   *
   * @throws InvalidInputException if the export doesn't have the signature
   */
  public Request request(SignatureName signature) {
    return new Request(function(signature), bundle.session(), bundle.graph());
  }

  Function function(SignatureName signature) {
    Function function = functions.get(signature.key());
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
   * The logits of tokens, of an exported model that takes nothing else.
   *
   * @param tokens [b,n] in row-major order
   * @return logits [b,classes], or of a language model [b,n,vocabulary]
   * @throws InvalidInputException if that is no whole number of sequences, or a token is out of
   *     range
   */
  public float[] logits(int[] tokens) {
    return request(SignatureName.SERVING_DEFAULT).with(main().entry().name(), tokens).run().only();
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
  public Decoder decoder(Answer source) {
    Function encode = function(SignatureName.ENCODE);
    if (!source.isOf(encode)) {
      throw new InvalidInputException(
          "a decoder takes what signature encode of the same export gave, found an answer of %s"
              .formatted(
                  source.function().name().equals(encode.name)
                      ? "another export"
                      : "signature " + source.function().name()));
    }
    Shape shape = source.shape(source.names().iterator().next()); // [b,h,k,d]
    return decoder(Math.toIntExact(shape.get(0)), source);
  }

  private Decoder decoder(int batch, @Nullable Answer source) {
    return new Decoder(
        () -> request(SignatureName.DECODE), function(SignatureName.DECODE), config, batch, source);
  }

  /** The session in which it computes; the caller must not close it. */
  Session session() {
    return bundle.session();
  }

  @Override
  public void close() {
    bundle.close();
  }
}
