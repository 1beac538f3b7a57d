package dev.linformer.export;

import static dev.linformer.export.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.types.TFloat32;

/** Formats besides the SavedModel: what is in the files. */
class FormatsTest {

  private static final ExportOptions ALL =
      ExportOptions.savedModel()
          .withFormats(
              ExportFormat.FROZEN, ExportFormat.TFLITE_READY, ExportFormat.TFJS, ExportFormat.ONNX);

  @TempDir private Path folder = Path.of("");

  private ModelDirectory model(String name) throws IOException {
    ModelConfig config = Objects.requireNonNull(ModelZoo.all().get(name));
    return Models.save(config, 5, folder.resolve("model"));
  }

  @Test
  void writesAFolderAFormat() throws IOException {
    Path version =
        ModelExporter.export(model("causal language model, KV"), folder.resolve("export"), ALL);
    assertEquals(
        Set.of("frozen", "tflite-ready", "tfjs", "onnx", "assets.extra", "README.md"),
        names(version));
    Set<String> signatures = Set.of("serving_default", "embeddings", "attention", "decode");
    assertEquals(signatures, names(version.resolve("tfjs")));
    assertEquals(
        signatures.stream().map(name -> name + ".onnx").collect(Collectors.toSet()),
        names(version.resolve("onnx")));
    assertEquals(Set.of("model.pb"), names(version.resolve("frozen")));
    assertEquals(Set.of("saved_model.pb"), names(version.resolve("tflite-ready")));
    String message =
        String.valueOf(
            assertThrows(InvalidInputException.class, () -> ExportedLinformer.load(version))
                .getMessage());
    assertTrue(message.endsWith("no SavedModel there, saved_model.pb is missing"), message);
  }

  @Test
  void aFrozenGraphNeedsNoOtherFile() throws IOException {
    ModelDirectory model = model("encoder, LEARNABLE");
    Path version = ModelExporter.export(model, folder.resolve("export"), ALL);
    GraphDef frozen;
    try (InputStream in = Files.newInputStream(version.resolve("frozen/model.pb"))) {
      frozen = GraphDef.parseFrom(in);
    }
    for (NodeDef node : frozen.getNodeList()) {
      assertFalse(node.getOp().matches("Variable.*|Assign.*|.*Handle.*"), node.getOp());
    }
    Feed feed;
    float[] expected;
    try (InferenceGraph live = InferenceGraph.load(model)) {
      feed = Feed.random(live.inputs(), 2, 0, 1);
      expected = feed.run(live);
    }
    float[] x = feed.values().values().iterator().next().floats();
    try (Graph graph = new Graph()) {
      graph.importGraphDef(frozen);
      try (Session session = new Session(graph);
          TFloat32 in =
              TFloat32.tensorOf(Shape.of(2, ModelZoo.N, ModelZoo.CHANNELS), DataBuffers.of(x));
          Result result = session.runner().feed("inputs", in).fetch("outputs").run()) {
        float[] y = new float[expected.length];
        ((TFloat32) result.get(0)).asRawTensor().data().asFloats().read(y);
        assertClose("frozen", expected, y);
      }
    }
  }

  @Test
  void theTfliteReadyModelHasNoVariables() throws IOException {
    Path version =
        ModelExporter.export(model("classifier, CONVOLUTION"), folder.resolve("export"), ALL);
    SavedModel saved;
    try (InputStream in = Files.newInputStream(version.resolve("tflite-ready/saved_model.pb"))) {
      saved = SavedModel.parseFrom(in);
    }
    assertEquals(List.of("serve"), saved.getMetaGraphs(0).getMetaInfoDef().getTagsList());
    assertEquals(
        Set.of("serving_default", "embeddings", "attention"),
        saved.getMetaGraphs(0).getSignatureDefMap().keySet());
    assertTrue(
        saved.getMetaGraphs(0).getGraphDef().getNodeList().stream()
            .noneMatch(node -> node.getOp().startsWith("Variable")));
  }

  /** Values are in the files beside the graph, one after the other, and nothing is left over. */
  @ParameterizedTest
  @ValueSource(
      strings = {"encoder and decoder", "causal language model, NONE", "encoder, MAX_POOL"})
  void aTfjsModelIsComplete(String name) throws IOException {
    Path version =
        ModelExporter.export(model(name), folder.resolve("export"), ALL.withLengths(Lengths.ANY));
    Path tfjs = version.resolve("tfjs/serving_default");
    JsonNode json = new ObjectMapper().readTree(tfjs.resolve("model.json").toFile());
    assertEquals("graph-model", json.path("format").asText());
    Set<String> constants = new TreeSet<>();
    Set<String> stored = new TreeSet<>();
    for (JsonNode node : json.path("modelTopology").path("node")) {
      assertFalse(node.toString().contains("DT_INT64"), node.toString());
      assertFalse(node.toString().contains("DT_DOUBLE"), node.toString());
      if (node.path("op").asText().equals("Const")) {
        constants.add(node.path("name").asText());
      }
    }
    long wanted = 0;
    for (JsonNode weight : json.path("weightsManifest").path(0).path("weights")) {
      stored.add(weight.path("name").asText());
      long size = weight.path("dtype").asText().equals("bool") ? 1 : 4;
      for (JsonNode axis : weight.path("shape")) {
        size *= axis.longValue();
      }
      wanted += size;
    }
    long found = 0;
    for (JsonNode path : json.path("weightsManifest").path(0).path("paths")) {
      found += Files.size(tfjs.resolve(path.asText()));
    }
    assertEquals(constants, stored);
    assertEquals(wanted, found);
  }

  @Test
  void anOnnxModelSaysWhatItIs() throws IOException {
    Path version =
        ModelExporter.export(
            model("encoder and decoder"), folder.resolve("export"), ALL.withLengths(Lengths.ANY));
    OnnxMl.ModelProto onnx;
    try (InputStream in = Files.newInputStream(version.resolve("onnx/serving_default.onnx"))) {
      onnx = OnnxMl.ModelProto.parseFrom(in);
    }
    assertEquals(17, onnx.getOpsetImport(0).getVersion());
    assertEquals("linformer", onnx.getProducerName());
    Map<String, String> axes =
        onnx.getGraph().getInputList().stream()
            .collect(
                Collectors.toMap(
                    OnnxMl.ValueInfoProto::getName,
                    input ->
                        input.getType().getTensorType().getShape().getDimList().stream()
                            .map(OnnxMl.TensorShapeProto.Dimension::getDimParam)
                            .collect(Collectors.joining(","))));
    assertEquals(
        Map.of("tokens", "b,m", "mask", "b,m", "source", "b,s", "source_mask", "b,s"), axes);
  }

  @Test
  void refusesWhatAFormatCannotExpress() throws IOException {
    ModelDirectory model = model("encoder, LEARNABLE");
    Path out = folder.resolve("export");
    refused(
        () -> ModelExporter.export(model, out, ALL.withPrecision(StoragePrecision.BFLOAT16)),
        "tfjs: TensorFlow.js has no bfloat16; export it with precision float32");
    assertFalse(Files.exists(out));
    FrozenGraph.requireSmall(ExportFormat.ONNX, 2_000_000_000L);
    refused(
        () -> FrozenGraph.requireSmall(ExportFormat.ONNX, 2_147_483_648L),
        "onnx: all weights are in one protocol buffer, which is smaller than 2 GiB, but they take 2,147,483,648 bytes; export savedmodel");
    NodeDef node = NodeDef.newBuilder().setName("y").setOp("Betainc").build();
    try (Graph graph = new Graph()) {
      OnnxOperators operators =
          new OnnxOperators(new OnnxGraph(), GraphDef.getDefaultInstance(), graph);
      refused(
          () -> operators.add(node),
          "onnx: opset 17 has nothing for the operation Betainc of y; export savedmodel or frozen");
    }
  }

  private static void refused(Executable call, String message) {
    assertEquals(
        message, String.valueOf(assertThrows(InvalidInputException.class, call).getMessage()));
  }

  private static Set<String> names(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
  }
}
