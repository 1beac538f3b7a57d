package dev.linformer.export;

import static dev.linformer.export.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.SavedModel;

/** An export takes a mask where the training had one, unless told otherwise. */
class TrainedLengthsTest {

  private static final Set<String> MASKED = Set.of("tokens", "mask");

  /** Of 1, 7, n and no real tokens. */
  private static final int[][] SEQUENCES = {{3}, {1, 2, 3, 4, 5, 6, 7}, new int[11], {}};

  @TempDir private Path folder = Path.of("");

  private ModelDirectory trained(String state) throws IOException {
    ModelDirectory model =
        Models.save(Models.classifier(Pooling.MEAN), 7, folder.resolve("model" + state.hashCode()));
    Files.writeString(model.trainerStateFile(), state);
    return model;
  }

  private ModelDirectory masked() throws IOException {
    return trained("{\"task\": {\"name\": \"classify\", \"data\": [\"texts.csv\"]}}");
  }

  @Test
  void everyFormatTakesTheMaskOfTheTraining() throws IOException {
    Path version =
        ModelExporter.export(
            masked(),
            folder.resolve("export"),
            ExportOptions.savedModel()
                .withFormats(ExportFormat.SAVEDMODEL, ExportFormat.values())
                .withSignatures(SignatureName.SERVING_DEFAULT));
    for (String file : new String[] {"saved_model.pb", "tflite-ready/saved_model.pb"}) {
      try (InputStream in = Files.newInputStream(version.resolve(file))) {
        var graph = SavedModel.parseFrom(in).getMetaGraphs(0);
        assertEquals(
            MASKED, graph.getSignatureDefOrThrow("serving_default").getInputsMap().keySet());
      }
    }
    try (InputStream in = Files.newInputStream(version.resolve("frozen/model.pb"))) {
      Set<String> placeholders = new TreeSet<>();
      for (NodeDef node : GraphDef.parseFrom(in).getNodeList()) {
        if (node.getOp().equals("Placeholder")) {
          placeholders.add(node.getName());
        }
      }
      assertEquals(MASKED, placeholders);
    }
    try (InputStream in = Files.newInputStream(version.resolve("onnx/serving_default.onnx"))) {
      Set<String> inputs = new TreeSet<>();
      OnnxMl.ModelProto.parseFrom(in)
          .getGraph()
          .getInputList()
          .forEach(i -> inputs.add(i.getName()));
      assertEquals(MASKED, inputs);
    }
    Set<String> inputs = new TreeSet<>();
    new ObjectMapper()
        .readTree(version.resolve("tfjs/serving_default/model.json").toFile())
        .path("signature")
        .path("inputs")
        .fieldNames()
        .forEachRemaining(inputs::add);
    assertEquals(MASKED, inputs);
  }

  @Test
  void theLoaderMakesPaddingAndMask() throws IOException {
    ModelDirectory model = masked();
    List<float[]> alone = new ArrayList<>(); // [1,m] with a mask that is all true
    try (ExportedLinformer any = load(model, ExportOptions.savedModel().withLengths(Lengths.ANY))) {
      for (int[] sequence : Arrays.copyOf(SEQUENCES, 3)) {
        boolean[] real = new boolean[sequence.length];
        Arrays.fill(real, true);
        Request request =
            any.request(SignatureName.SERVING_DEFAULT)
                .with("tokens", sequence, 1, sequence.length)
                .with("mask", real, 1, sequence.length);
        alone.add(request.run().values("logits"));
      }
    }
    for (ExportOptions options :
        List.of(ExportOptions.savedModel(), ExportOptions.savedModel().withLengths(Lengths.ANY))) {
      try (ExportedLinformer exported = load(model, options)) {
        float[] together = exported.logits(SEQUENCES);
        assertEquals(SEQUENCES.length * Models.CLASSES, together.length);
        for (int row = 0; row < alone.size(); row++) {
          float[] mine =
              Arrays.copyOfRange(together, row * Models.CLASSES, (row + 1) * Models.CLASSES);
          assertClose("row " + row, alone.get(row), mine);
          assertClose("by itself", alone.get(row), exported.logits(SEQUENCES[row]));
        }
        refused(
            () -> exported.logits(new int[22]),
            "22 tokens, but this export takes a mask, so a single sequence of at most 11; give");
        refused(
            () -> exported.logits(new int[][] {{1}, new int[12]}),
            "sequence 1 has 12 tokens, but at most 11 are expected");
        refused(
            () -> exported.logits(new int[][] {{1}, {19}}), "token 19, but 0 to num_tokens - 1");
        refused(() -> exported.logits(new int[0][]), "input tokens takes [b, ");
      }
    }
  }

  /** ListOps is trained on its padding; and nothing is known of a model without a training. */
  @Test
  void othersTakeNone() throws IOException {
    for (ModelDirectory model :
        List.of(
            trained("{\"task\": {\"name\": \"listops\"}}"),
            trained("{\"global_step\": 3}"),
            Models.save(Models.classifier(Pooling.MEAN), 7, folder.resolve("untrained")))) {
      try (InferenceGraph live = InferenceGraph.load(model);
          ExportedLinformer exported = load(model, ExportOptions.savedModel())) {
        int[] tokens = Models.tokens(2, 3);
        assertArrayEquals(Models.run(live, tokens), exported.logits(tokens));
        assertArrayEquals(
            exported.logits(tokens),
            exported.logits(
                new int[][] {Arrays.copyOf(tokens, 11), Arrays.copyOfRange(tokens, 11, 22)}));
        refused(
            () -> exported.logits(SEQUENCES),
            "sequence 0 has 1 tokens, but without a mask 11 are expected; fill it up the way");
      }
    }
    try (ExportedLinformer exported =
        load(masked(), ExportOptions.savedModel().withLengths(Lengths.FIXED))) {
      assertEquals(2 * Models.CLASSES, exported.logits(Models.tokens(2, 3)).length);
    }
  }

  @Test
  void refusesATrainingThatItCannotRead() throws IOException {
    ModelDirectory unknown = trained("{\"task\": {\"name\": \"chess\"}}");
    ModelDirectory torn = trained("{\"task\": {\"na");
    Path out = folder.resolve("export");
    refused(() -> ModelExporter.export(unknown, out), "task: name = chess, but one of listops");
    refused(() -> ModelExporter.export(torn, out), "trainer_state.json: not valid JSON, line 1");
    assertTrue(Files.notExists(out));
  }

  private ExportedLinformer load(ModelDirectory model, ExportOptions options) throws IOException {
    Path out = Files.createTempDirectory(folder, "export");
    return ExportedLinformer.load(ModelExporter.export(model, out, options));
  }

  private static void refused(Executable call, String message) {
    String found = String.valueOf(assertThrows(InvalidInputException.class, call).getMessage());
    assertTrue(found.contains(message), found);
  }
}
