package dev.linformer.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.export.AttentionProbe;
import dev.linformer.export.AttentionWeights;
import dev.linformer.export.InferenceGraph;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Models of two layers with three heads, n = 11, k = 5; seven tokens are looked at. */
class AttentionPictureTest {

  private static final int WIDTH = 340;
  private static final int HEIGHT = 300;

  private static final int[] TOKENS = {1, 2, 3, 4, 5, 6, 7};

  private static List<AttentionWeights> seen = List.of();

  @TempDir private static Path folder = Path.of("");

  @BeforeAll
  static void look() throws IOException {
    try (AttentionProbe probe = probe("linformer", language(stack()))) {
      seen = probe.weights(TOKENS);
    }
  }

  private static LinformerConfigBuilder stack() {
    return LinformerLMConfig.stackBuilder(11, 6, 5).heads(3).feedForwardDim(7);
  }

  private static LinformerLMConfig language(LinformerConfigBuilder stack) {
    return LinformerLMConfig.builder(stack.build(), 13).embeddingDim(6).tokenDropout(0).build();
  }

  private static AttentionProbe probe(String name, ModelConfig config) throws IOException {
    ModelDirectory directory = ModelDirectory.create(folder.resolve(name));
    try (InferenceGraph inference = InferenceGraph.untrained(config, 3)) {
      inference.saveWeights(directory.weightsFile());
    }
    directory.writeConfig(config);
    return AttentionProbe.load(directory.path());
  }

  private static void assertAxes(
      String rows, String columns, AttentionPicture picture, AttentionWeights attention) {
    HeatMap map = picture.heads(attention).get(0);
    assertEquals(rows, map.rowAxis());
    assertEquals(columns, map.columnAxis());
  }

  @Test
  void axesSayWhichPositions() {
    AttentionPicture first = new AttentionPicture(null, null, 4);
    assertAxes(
        "position, 0 to 6", "compressed position, 0 to 4", AttentionPicture.ALL, seen.get(0));
    assertAxes("position, 0 to 3", "compressed position, 0 to 4", first, seen.get(0));
  }

  /**
   * With full attention the columns are positions, also where fewer rows are drawn than there are.
   */
  @Test
  void axesOfFullAttention() throws IOException {
    try (AttentionProbe probe = probe("full", language(stack().fullAttention(true)))) {
      AttentionWeights attention = probe.weights(TOKENS).get(0);
      assertAxes("position, 0 to 6", "position, 0 to 10", AttentionPicture.ALL, attention);
      AttentionPicture first = new AttentionPicture(null, null, 4);
      assertAxes("position, 0 to 3", "position, 0 to 10", first, attention);
    }
  }

  @Test
  void axesOfASource() throws IOException {
    LinformerConfig source = stack().depth(1).build();
    LinformerConfig target =
        LinformerLMConfig.stackBuilder(13, 6, 3)
            .heads(3)
            .feedForwardDim(7)
            .fullAttention(true)
            .depth(1)
            .build();
    ModelConfig both = LinformerEncDecConfig.builder(source, 13, target, 13).build();
    try (AttentionProbe probe = probe("both", both)) {
      var request = probe.request().with("source", TOKENS, 1, 7).with("tokens", new int[9], 1, 9);
      List<AttentionWeights> all = probe.weights(request);
      assertAxes(
          "source position, 0 to 6",
          "compressed source position, 0 to 4",
          AttentionPicture.ALL,
          named(all, "encoder_attention_0"));
      assertAxes(
          "position, 0 to 8", "position, 0 to 12", AttentionPicture.ALL, named(all, "attention_0"));
      assertAxes(
          "position, 0 to 8",
          "source position, 0 to 10",
          AttentionPicture.ALL,
          named(all, "cross_attention_0"));
    }
  }

  private static AttentionWeights named(List<AttentionWeights> all, String name) {
    return all.stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
  }

  private static void assertSize(int columns, int rows, AttentionPicture picture) {
    BufferedImage image = picture.draw(seen);
    assertEquals(columns * WIDTH, image.getWidth());
    assertEquals(rows * HEIGHT, image.getHeight());
  }

  @Test
  void aRowALayerAndAColumnAHead() {
    assertSize(3, 2, AttentionPicture.ALL);
    assertSize(3, 1, new AttentionPicture(1, null, null));
    assertSize(1, 2, new AttentionPicture(null, 2, null));
    assertSize(1, 1, new AttentionPicture(0, 0, 4));
    assertSize(3, 2, new AttentionPicture(null, null, 1000));
  }

  @Test
  void refuses() {
    refused("layer -1, but at least 0 is expected", () -> new AttentionPicture(-1, null, null));
    refused("head -1, but at least 0 is expected", () -> new AttentionPicture(null, -1, null));
    refused("n-limit 0, but at least 1 is expected", () -> new AttentionPicture(null, null, 0));
    refused(
        "layer 2, but of these there is P-bar: 0, 1",
        () -> new AttentionPicture(2, null, null).draw(seen));
    refused(
        "head 3, but 0 to nhead - 1 = 2 is expected",
        () -> new AttentionPicture(null, 3, null).draw(seen));
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(InvalidInputException.class, call).getMessage());
  }
}
