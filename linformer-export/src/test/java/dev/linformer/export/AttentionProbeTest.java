package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** P̄ of a model directory and of an export of it. */
class AttentionProbeTest {

  @TempDir private Path folder = Path.of("");

  private ModelDirectory save(ModelConfig config) throws IOException {
    return Models.save(config, 7, folder.resolve("model"));
  }

  private static void assertRowsAddUp(AttentionWeights weights) {
    for (int head = 0; head < weights.heads(); head++) {
      for (float[] row : weights.matrix(0, head)) {
        assertEquals(weights.columns(), row.length);
        double sum = 0;
        for (float value : row) {
          sum += value;
        }
        assertEquals(1, sum, 1e-5, weights.name());
      }
    }
  }

  @Test
  void classifier() throws IOException {
    ModelDirectory model = save(Models.classifier(Pooling.MEAN));
    int[] tokens = Models.tokens(1, 5);
    try (AttentionProbe probe = AttentionProbe.load(model.path())) {
      assertEquals(List.of("tokens"), probe.inputs());
      assertEquals(Models.VOCABULARY, probe.vocabulary());
      List<AttentionWeights> seen = probe.weights(tokens);
      assertEquals(
          List.of("layer 0", "layer 1"), seen.stream().map(AttentionWeights::label).toList());
      for (AttentionWeights each : seen) {
        assertEquals(3, each.heads());
        assertEquals(Models.LENGTH, each.rows());
        assertEquals(7, each.columns());
        assertRowsAddUp(each);
        assertThrows(IndexOutOfBoundsException.class, () -> each.matrix(0, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> each.matrix(1, 0));
      }
    }
  }

  /** What the signature of an export gives, in whose Python parity others are interested. */
  @Test
  void exportGivesTheSame() throws IOException {
    ModelDirectory model = save(Models.classifier(Pooling.FIRST));
    Path exported = folder.resolve("export");
    ModelExporter.export(model, exported);
    int[] tokens = Models.tokens(1, 5);
    try (AttentionProbe live = AttentionProbe.load(model.path());
        AttentionProbe saved = AttentionProbe.load(exported)) {
      List<AttentionWeights> there = saved.weights(tokens);
      List<AttentionWeights> here = live.weights(tokens);
      for (int layer = 0; layer < 2; layer++) {
        assertEquals(layer, there.get(layer).layer());
        for (int head = 0; head < 3; head++) {
          float[][] expected = here.get(layer).matrix(0, head);
          float[][] found = there.get(layer).matrix(0, head);
          for (int row = 0; row < Models.LENGTH; row++) {
            assertArrayEquals(expected[row], found[row], 1e-6f);
          }
        }
      }
      refused(
          "input tokens takes [b, 11] with at most [b, 11], given were 4 values of shape [1, 4]",
          () -> saved.weights(new int[4]));
    }
  }

  /** A row for each real position; the second sequence of a batch is not the first. */
  @Test
  void shorterSequencesAndBatches() throws IOException {
    ModelDirectory model = save(Models.encoder(ParameterSharing.NONE));
    int m = 5;
    float[] x = Arrays.copyOf(Models.vectors(1, 3), 2 * m * Models.CHANNELS);
    try (AttentionProbe probe = AttentionProbe.load(model.path())) {
      assertEquals(0, probe.vocabulary());
      AttentionWeights both =
          probe.weights(probe.request().with("inputs", x, 2, m, Models.CHANNELS)).get(1);
      assertEquals(m, both.rows());
      float[] second = Arrays.copyOfRange(x, m * Models.CHANNELS, x.length);
      AttentionWeights alone =
          probe.weights(probe.request().with("inputs", second, 1, m, Models.CHANNELS)).get(1);
      for (int head = 0; head < 3; head++) {
        for (int row = 0; row < m; row++) {
          assertArrayEquals(alone.matrix(0, head)[row], both.matrix(1, head)[row], 1e-6f);
        }
      }
    }
  }

  @Test
  void sourceHasWeightsOfItsOwn() throws IOException {
    LinformerConfig encoder = Models.encoder(ParameterSharing.LAYERWISE);
    LinformerLMConfig source =
        LinformerLMConfig.builder(encoder, 17)
            .embeddingDim(Models.CHANNELS)
            .tokenDropout(0)
            .positions(LinformerLMConfig.Positions.NONE)
            .returnEmbeddings(true)
            .build();
    LinformerConfig decoder =
        LinformerConfig.builder(Models.LENGTH, Models.CHANNELS, 7)
            .heads(3)
            .headDim(2)
            .feedForwardDim(17)
            .parameterSharing(ParameterSharing.NONE)
            .decoderMode(true)
            .causal(true)
            .build();
    LinformerLMConfig target =
        LinformerLMConfig.builder(decoder, Models.VOCABULARY)
            .embeddingDim(Models.CHANNELS)
            .tokenDropout(0)
            .positions(LinformerLMConfig.Positions.NONE)
            .build();
    ModelDirectory model = save(new LinformerEncDecConfig(source, target));
    try (AttentionProbe probe = AttentionProbe.load(model.path())) {
      assertEquals(List.of("tokens", "source"), probe.inputs());
      List<AttentionWeights> seen =
          probe.weights(
              probe.request().with("tokens", new int[5], 1, 5).with("source", new int[3], 1, 3));
      assertEquals(
          List.of("source layer 0", "source layer 1", "layer 0", "layer 0 to source"),
          seen.stream().map(AttentionWeights::label).toList());
      assertEquals(List.of(3, 3, 5, 5), seen.stream().map(AttentionWeights::rows).toList());
      refused("input source is missing", () -> probe.weights(new int[5]));
    }
  }

  @Test
  void refuses() throws IOException {
    ModelDirectory model = save(Models.classifier(Pooling.MEAN));
    Path exported = folder.resolve("export");
    ModelExporter.export(
        model, exported, ExportOptions.savedModel().withSignatures(SignatureName.SERVING_DEFAULT));
    refused(
        "has no signature attention, but serving_default; export it with --signatures attention",
        () -> AttentionProbe.load(exported));
    refused("no SavedModel there", () -> AttentionProbe.load(folder));
    try (AttentionProbe probe = AttentionProbe.load(model.path())) {
      refused("token 19, but 0 to num_tokens - 1 = 18", () -> probe.weights(new int[] {19}));
      refused("given were 12 values of shape [1, 12]", () -> probe.weights(new int[12]));
    }
  }

  private static void refused(String message, Executable call) {
    InvalidInputException refusal = assertThrows(InvalidInputException.class, call);
    String said = String.valueOf(refusal.getMessage());
    assertTrue(said.contains(message), said);
  }
}
