package dev.linformer.export;

import static dev.linformer.export.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.internal.weights.SafetensorsFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/** Every model of the family, exported, against the live graph. */
class ModelZooExportTest {

  private static final Set<String> MASKS = Set.of("mask", "source_mask");

  @TempDir private Path folder = Path.of("");

  static Stream<String> models() {
    return ModelZoo.all().keySet().stream();
  }

  private static ModelConfig config(String name) {
    ModelConfig config = ModelZoo.all().get(name);
    if (config == null) {
      throw new IllegalArgumentException(name);
    }
    return config;
  }

  private ModelDirectory save(ModelConfig config) throws IOException {
    return Models.save(config, 5, folder.resolve("model"));
  }

  @ParameterizedTest
  @MethodSource("models")
  void withoutMasks(String name) throws IOException {
    ModelDirectory model = save(config(name));
    Path saved = ModelExporter.export(model, folder.resolve("export"));
    try (InferenceGraph live = InferenceGraph.load(model);
        Oracle oracle = Oracle.of(model, Set.of());
        SafetensorsFile weights = SafetensorsFile.open(model.weightsFile());
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      for (int batch : new int[] {1, 3}) {
        Feed feed = Feed.random(live.inputs(), batch, 0, batch);
        oracle.assertClose(name + ", live", feed, feed.run(live));
        float[] served = serve(feed, exported);
        oracle.assertClose(name, feed, served);
        oracle.assertMagnitude(name, feed, served);
        checkEmbeddings(name, feed, live, exported, weights);
      }
    }
    assertInferenceOnly(saved);
  }

  /** The logits are a linear map of the embeddings; without logits, the embeddings themselves. */
  private static void checkEmbeddings(
      String name,
      Feed feed,
      InferenceGraph live,
      ExportedLinformer exported,
      SafetensorsFile weights)
      throws IOException {
    float[] embeddings = feed.run(exported, SignatureName.EMBEDDINGS).values("embeddings");
    float[] output = feed.run(live);
    String prefix = name.startsWith("encoder and decoder") ? "decoder." : "";
    if (!weights.names().contains(prefix + "to_logits.weight")) {
      assertClose(name, output, embeddings);
      return;
    }
    float[] weight = values(weights, prefix + "to_logits.weight");
    float[] bias = values(weights, prefix + "to_logits.bias");
    int v = bias.length;
    int e = weight.length / v;
    float[] logits = new float[embeddings.length / e * v];
    for (int i = 0; i < logits.length; i++) {
      double sum = bias[i % v];
      for (int j = 0; j < e; j++) {
        sum += (double) weight[i % v * e + j] * embeddings[i / v * e + j];
      }
      logits[i] = (float) sum;
    }
    assertClose(name, output, logits);
  }

  private static float[] values(SafetensorsFile weights, String name) throws IOException {
    float[] values = new float[Math.toIntExact(weights.shape(name).size())];
    weights.read(name, DataBuffers.of(values, false, false));
    return values;
  }

  /** Any length has masks, too, for all models; here is one of every kind. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "encoder, MAX_POOL",
        "classifier, LEARNABLE",
        "causal language model, NONE",
        "encoder, full attention",
        "decoder",
        "encoder and decoder"
      })
  void withMasks(String name) throws IOException {
    ModelDirectory model = save(config(name));
    Path saved =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withLengths(Lengths.MASKED));
    try (Oracle oracle = Oracle.of(model, MASKS);
        InferenceGraph live = InferenceGraph.load(model, MASKS);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      Feed feed = Feed.random(live.inputs(), 3, 0, 7);
      oracle.assertClose(name + ", live", feed, feed.run(live));
      oracle.assertClose(name, feed, serve(feed, exported));
      checkAttention(config(name), feed.run(exported, SignatureName.ATTENTION), 3, ModelZoo.N);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void ofAnyLength(String name) throws IOException {
    ModelDirectory model = save(config(name));
    Path saved =
        ModelExporter.export(
            model, folder.resolve("export"), ExportOptions.savedModel().withLengths(Lengths.ANY));
    try (InferenceGraph live = InferenceGraph.load(model, MASKS);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      for (int shorter : new int[] {0, 1, 9}) {
        Feed feed = Feed.random(live.inputs(), 3, shorter, shorter);
        float[] whole = feed.filled().run(live);
        SignatureOutputs answer = feed.run(exported, SignatureName.SERVING_DEFAULT);
        String output = answer.names().iterator().next();
        long[] shape = answer.shape(output).asArray();
        float[] expected = shape.length == 2 ? whole : cut(whole, shape, ModelZoo.N);
        assertClose(name, expected, answer.values(output));
        checkAttention(
            config(name), feed.run(exported, SignatureName.ATTENTION), 3, ModelZoo.N - shorter);
      }
    }
  }

  /** [b,n,v] → [b,m,v]. */
  private static float[] cut(float[] whole, long[] shape, int n) {
    int m = (int) shape[1];
    int v = (int) shape[2];
    float[] cut = new float[(int) shape[0] * m * v];
    for (int b = 0; b < shape[0]; b++) {
      System.arraycopy(whole, b * n * v, cut, b * m * v, m * v);
    }
    return cut;
  }

  private static float[] serve(Feed feed, ExportedLinformer exported) {
    SignatureOutputs answer = feed.run(exported, SignatureName.SERVING_DEFAULT);
    assertEquals(1, answer.names().size());
    return answer.values(answer.names().iterator().next());
  }

  /** Every layer is there, and its rows add up to 1. */
  private static void checkAttention(
      ModelConfig config, SignatureOutputs answer, int batch, int n) {
    int attentions =
        config.stacks().stream()
            .mapToInt(stack -> stack.depth() * (stack.decoderMode() ? 2 : 1))
            .sum();
    assertEquals(attentions, answer.names().size());
    LinformerConfig last = config.stacks().get(config.stacks().size() - 1);
    for (String name : answer.names()) {
      long[] shape = answer.shape(name).asArray();
      if (!name.startsWith("encoder_")) {
        assertEquals(
            List.of((long) batch, 3L, (long) n), Arrays.stream(shape, 0, 3).boxed().toList());
        assertTrue(last.fullAttention() || shape[3] == ModelZoo.K, name);
      }
      int k = (int) shape[3];
      float[] values = answer.values(name);
      for (int row = 0; row < values.length / k; row++) {
        double sum = 0;
        for (int i = 0; i < k; i++) {
          sum += values[row * k + i];
        }
        assertEquals(1, sum, 1e-5, name);
      }
    }
  }

  /** Only what computes the outputs from inputs and weights, and what restores the weights. */
  private static void assertInferenceOnly(Path saved) throws IOException {
    SavedModel model;
    try (InputStream in = Files.newInputStream(saved.resolve("saved_model.pb"))) {
      model = SavedModel.parseFrom(in);
    }
    List<NodeDef> nodes = model.getMetaGraphs(0).getGraphDef().getNodeList();
    assertTrue(nodes.size() > 30);
    String restored =
        nodes.stream()
            .filter(node -> node.getOp().equals("RestoreV2"))
            .findFirst()
            .orElseThrow()
            .getName();
    Set<String> feeds = new TreeSet<>();
    for (NodeDef node : nodes) {
      String op = node.getOp();
      assertFalse(
          op.matches(".*(Random|Grad|Apply|Dropout).*"), () -> node.getName() + " is a " + op);
      assertTrue(
          !op.startsWith("Assign") || GraphDefs.nodeOf(node.getInput(1)).equals(restored),
          () -> node.getName() + " is a " + op);
      if (op.equals("Placeholder")) {
        feeds.add(node.getName());
      }
    }
    Set<String> wanted = new TreeSet<>();
    model
        .getMetaGraphs(0)
        .getSignatureDefMap()
        .values()
        .forEach(
            signature -> {
              assertEquals("tensorflow/serving/predict", signature.getMethodName());
              signature
                  .getInputsMap()
                  .values()
                  .forEach(each -> wanted.add(each.getName().replace(":0", "")));
            });
    feeds.removeIf(name -> name.startsWith("save/"));
    assertEquals(wanted, feeds);
  }

  static Stream<String> causal() {
    return models().filter(name -> name.startsWith("causal language"));
  }

  @ParameterizedTest
  @MethodSource("causal")
  void decodesLikeTheWholePass(String name) throws IOException {
    ModelDirectory model = save(config(name));
    Path saved = ModelExporter.export(model, folder.resolve("export"));
    try (Oracle oracle = Oracle.of(model, Set.of());
        InferenceGraph live = InferenceGraph.load(model);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      Feed feed = Feed.random(live.inputs(), 3, 0, 1);
      oracle.assertClose(name, feed, steps(feed, exported.decoder(3)));
    }
  }

  static Stream<String> withSource() {
    return models().filter(name -> ModelZoo.DECODED.contains(name));
  }

  /** The source is encoded once; with masks, and shorter than the longest. */
  @ParameterizedTest
  @MethodSource("withSource")
  void decodesWithASource(String name) throws IOException {
    ModelDirectory model = save(config(name));
    ExportOptions options =
        ExportOptions.savedModel().withSignatures(SignatureName.ENCODE, SignatureName.DECODE);
    for (Lengths lengths : Lengths.values()) {
      Path saved =
          ModelExporter.export(model, folder.resolve("export"), options.withLengths(lengths));
      assertInferenceOnly(saved);
      boolean masked = lengths == Lengths.MASKED || lengths == Lengths.ANY;
      Set<String> masks = masked ? MASKS : Set.of();
      try (Oracle oracle = Oracle.of(model, masks);
          InferenceGraph live = InferenceGraph.load(model, masks);
          ExportedLinformer exported = ExportedLinformer.load(saved)) {
        assertEquals(List.of("encode", "decode"), exported.signatures());
        Feed whole = Feed.random(live.inputs(), 3, 0, 1).with("mask", 1);
        Feed source = whole.only("source", "source_mask");
        if (lengths == Lengths.ANY) {
          source = Feed.random(live.inputs(), 3, 4, 1).only("source", "source_mask");
          whole = source.filled().and(whole.only("tokens", "mask"));
        }
        SignatureOutputs encoded = source.run(exported, SignatureName.ENCODE);
        for (int again = 0; again < 2; again++) { // each decoder is at the beginning
          oracle.assertClose(name, whole, steps(whole, exported.decoder(encoded)));
        }
      }
    }
  }

  /** The nodes of the pass are those of encode and decode, and all five give what they gave. */
  @Test
  void decodesBesideTheWholePass() throws IOException {
    ModelDirectory model = save(config("encoder and decoder"));
    Path saved =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel()
                .withSignatures(SignatureName.SERVING_DEFAULT, SignatureName.values()));
    try (Oracle oracle = Oracle.of(model, Set.of());
        InferenceGraph live = InferenceGraph.load(model);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      assertEquals(
          List.of("serving_default", "embeddings", "attention", "encode", "decode"),
          exported.signatures());
      Feed feed = Feed.random(live.inputs(), 3, 0, 1);
      oracle.assertClose("whole, live", feed, feed.run(live));
      oracle.assertClose("whole", feed, serve(feed, exported));
      SignatureOutputs encoded = feed.only("source").run(exported, SignatureName.ENCODE);
      float[] steps = steps(feed, exported.decoder(encoded));
      oracle.assertClose("step by step", feed, steps);
    }
  }

  /** Logits [b,n,v], one position after the other. */
  private static float[] steps(Feed feed, Decoder decoder) {
    int v = ModelZoo.VOCABULARY;
    int[] tokens = feed.value("tokens").ints(); // [b,n]
    int batch = tokens.length / ModelZoo.N;
    float[] all = new float[batch * ModelZoo.N * v];
    for (int t = 0; t < ModelZoo.N; t++) {
      int[] column = new int[batch];
      for (int b = 0; b < batch; b++) {
        column[b] = tokens[b * ModelZoo.N + t];
      }
      float[] logits = decoder.next(column); // [b,v]
      for (int b = 0; b < batch; b++) {
        System.arraycopy(logits, b * v, all, (b * ModelZoo.N + t) * v, v);
      }
    }
    assertEquals(ModelZoo.N, decoder.seen());
    return all;
  }
}
