package dev.linformer.export;

import dev.linformer.export.ServingSignature.NamedOperand;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDec;
import dev.linformer.model.LinformerLM;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Variables;
import dev.linformer.model.internal.weights.StoredWeights;
import dev.linformer.model.internal.weights.VariableAssigner;
import dev.linformer.ops.Parameter;
import dev.linformer.runtime.Sessions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * What is exported: a model in inference, once, with all signatures that are asked for on the same
 * weights, and the session that holds these.
 */
final class ServingGraph implements AutoCloseable {

  /** Signatures that are results of one pass over the whole sequence. */
  private static final Set<SignatureName> PASS =
      Collections.unmodifiableSet(
          EnumSet.of(
              SignatureName.SERVING_DEFAULT, SignatureName.EMBEDDINGS, SignatureName.ATTENTION));

  private final ModelConfig config;
  private final ExportOptions options;
  private final Graph graph = new Graph();
  private final List<ServingSignature> signatures = new ArrayList<>();
  private final ServingWeights weights;
  private final Session session;

  /**
   * The model of a directory.
   *
   * @throws InvalidInputException if the weights don't fit, or the model has no such signature or
   *     layer
   */
  static ServingGraph load(ModelDirectory directory, ExportOptions options) throws IOException {
    ModelConfig original = directory.config();
    requireSignatures(original, options);
    requireLayers(original, options);
    try (StoredWeights stored = StoredWeights.open(directory.weightsFile(), parameters(original))) {
      ServingGraph serving =
          new ServingGraph(OutputFolding.fold(original), original, options.resolved(directory));
      try {
        serving.fill(stored);
        return serving;
      } catch (IOException | RuntimeException e) {
        serving.close();
        throw e;
      }
    }
  }

  private ServingGraph(ModelConfig folded, ModelConfig original, ExportOptions options) {
    this.config = original;
    this.options = options;
    Ops tf = Ops.create(graph);
    weights = new ServingWeights(tf, options.precision());
    Model<TFloat32> model = folded.forInference().declare(weights);
    Set<SignatureName> names = signatureNames(original, options);
    if (names.stream().anyMatch(name -> name != SignatureName.DECODE)) {
      ServingInputs inputs = new ServingInputs(tf, model.inputs(), options.lengths());
      if (names.stream().anyMatch(PASS::contains)) {
        addPass(tf, model, inputs, names); // the first, since P-bar is looked for in the graph
      }
      if (names.contains(SignatureName.ENCODE)) {
        signatures.add(EncodeSignature.build(tf, model, inputs));
      }
    }
    if (names.contains(SignatureName.DECODE)) {
      int vocabulary = DecodeSignature.decoder(original).orElseThrow().vocabularySize();
      signatures.add(DecodeSignature.build(tf, decoder(model), vocabulary));
    }
    session = Sessions.open(graph, Sessions.ALL_THREADS);
  }

  private static LinformerLM<TFloat32> decoder(Model<TFloat32> model) {
    return model instanceof LinformerEncDec<TFloat32> both
        ? both.decoder()
        : (LinformerLM<TFloat32>) model;
  }

  /** The whole sequence, of which the signatures take different results. */
  private void addPass(
      Ops tf, Model<TFloat32> model, ServingInputs inputs, Set<SignatureName> names) {
    List<NamedOperand> placeholders = inputs.placeholders();
    String main = placeholders.get(0).name();
    Operand<TFloat32> embedded = model.embed(tf, inputs.forModel(), null); // [b,n,e] or [b,c]
    List<AttentionTap> taps =
        names.contains(SignatureName.ATTENTION) ? AttentionTap.find(tf, graph, config) : List.of();
    if (names.contains(SignatureName.SERVING_DEFAULT)) {
      Operand<TFloat32> y = model.head(tf, embedded); // [b,n,v] or [b,classes]
      String name = model.outputName();
      NamedOperand output =
          new NamedOperand(name, named(tf, name, byLength(inputs, y, main)), "the model's output");
      add(SignatureName.SERVING_DEFAULT, placeholders, List.of(output));
    }
    if (names.contains(SignatureName.EMBEDDINGS)) {
      Operand<TFloat32> e = byLength(inputs, embedded, main);
      String name = SignatureName.EMBEDDINGS.key();
      add(
          SignatureName.EMBEDDINGS,
          placeholders,
          List.of(new NamedOperand(name, named(tf, name, e), "what the last map takes")));
    }
    if (names.contains(SignatureName.ATTENTION)) {
      List<NamedOperand> outputs = new ArrayList<>();
      for (AttentionTap tap : taps) {
        if (options.attentionLayers().isEmpty()
            || options.attentionLayers().contains(tap.layer())) {
          String of = tap.name().startsWith("encoder_") ? "source" : main;
          Operand<TFloat32> weights = inputs.cut(tap.weights(), 2, of); // [b,h,n,k]
          outputs.add(
              new NamedOperand(
                  tap.name(), named(tf, tap.name(), weights), "P-bar; rows add up to 1"));
        }
      }
      add(SignatureName.ATTENTION, placeholders, outputs);
    }
  }

  private void add(SignatureName name, List<NamedOperand> inputs, List<NamedOperand> outputs) {
    signatures.add(new ServingSignature(name.key(), inputs, outputs));
  }

  private Operand<TFloat32> named(Ops tf, String name, Operand<TFloat32> y) {
    // A model whose output is called embeddings has the name already.
    return graph.operation(name) == null
        ? tf.withName(name).identity(y)
        : graph.operation(name).output(0);
  }

  /** A value for every position is cut to the caller's positions. */
  private static Operand<TFloat32> byLength(
      ServingInputs inputs, Operand<TFloat32> y, String main) {
    return y.shape().numDimensions() == 3 ? inputs.cut(y, 1, main) : y;
  }

  /** The weights of a model as it is stored. */
  private static List<Parameter> parameters(ModelConfig config) {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      config.declare(variables);
      return variables.weights().stream().map(Variables.Weight::parameter).toList();
    }
  }

  private void fill(StoredWeights stored) throws IOException {
    try (VariableAssigner assignments = new VariableAssigner(session)) {
      for (ServingWeights.ServedWeight weight : weights.weights()) {
        String name = weight.parameter().name();
        TFloat32 value =
            OutputFolding.makes(name) && !stored.has(name)
                ? OutputFolding.weight(name, stored)
                : stored.read(name);
        assignments.add(weight.initial(), weight.initializer(), value);
      }
      assignments.run();
    }
  }

  private static Set<SignatureName> signatureNames(ModelConfig config, ExportOptions options) {
    if (!options.signatures().isEmpty()) {
      return options.signatures();
    }
    Set<SignatureName> all = EnumSet.copyOf(PASS);
    if (DecodeSignature.decoder(config).isPresent() && !EncodeSignature.fits(config)) {
      all.add(SignatureName.DECODE);
    }
    return all;
  }

  private static void requireSignatures(ModelConfig config, ExportOptions options) {
    Set<SignatureName> asked = options.signatures();
    if (asked.contains(SignatureName.DECODE) && DecodeSignature.decoder(config).isEmpty()) {
      throw new InvalidInputException(
          "signature decode: only a language model (model_type lm) or encoder-decoder (encdec) with"
              + " causal = true, without full_attention, goes step by step; found model_type "
              + config.modelType());
    }
    if (asked.contains(SignatureName.ENCODE) && !EncodeSignature.fits(config)) {
      throw new InvalidInputException(
          "signature encode: only a model with a source whose decoder has causal = true, without"
              + " full_attention, has a use for it; found model_type "
              + config.modelType());
    }
    if (EncodeSignature.fits(config)
        && asked.contains(SignatureName.DECODE) != asked.contains(SignatureName.ENCODE)) {
      throw new InvalidInputException(
          "signature %s: a model with a source has encode and decode together; ask for both"
              .formatted(asked.contains(SignatureName.DECODE) ? "decode" : "encode"));
    }
  }

  private static void requireLayers(ModelConfig config, ExportOptions options) {
    int depth = config.stacks().stream().mapToInt(LinformerConfig::depth).max().orElse(0);
    for (int layer : options.attentionLayers()) {
      if (layer < 0 || layer >= depth) {
        throw new InvalidInputException(
            "attention of layer %s, but 0 to depth - 1 = %s is expected"
                .formatted(layer, depth - 1));
      }
    }
  }

  /** The functions, those with the same inputs on the same placeholders. */
  List<ServingSignature> signatures() {
    return List.copyOf(signatures);
  }

  ModelConfig config() {
    return config;
  }

  ExportOptions options() {
    return options;
  }

  Graph graph() {
    return graph;
  }

  Session session() {
    return session;
  }

  ServingWeights weights() {
    return weights;
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }
}
