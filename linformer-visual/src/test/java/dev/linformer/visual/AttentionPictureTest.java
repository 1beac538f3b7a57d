package dev.linformer.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.linformer.export.AttentionProbe;
import dev.linformer.export.AttentionWeights;
import dev.linformer.export.InferenceGraph;
import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelDirectory;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A language model of two layers with three heads, n = 11, k = 5. */
class AttentionPictureTest {

  private static final int WIDTH = 340;
  private static final int HEIGHT = 300;

  private static List<AttentionWeights> seen = List.of();

  @BeforeAll
  static void look(@TempDir Path folder) throws IOException {
    LinformerConfig encoder =
        LinformerLMConfig.stackBuilder(11, 6, 5).heads(3).feedForwardDim(7).build();
    LinformerLMConfig config =
        LinformerLMConfig.builder(encoder, 13).embeddingDim(6).tokenDropout(0).build();
    ModelDirectory directory = ModelDirectory.create(folder.resolve("model"));
    try (InferenceGraph inference = InferenceGraph.untrained(config, 3)) {
      inference.saveWeights(directory.weightsFile());
    }
    directory.writeConfig(config);
    try (AttentionProbe probe = AttentionProbe.load(directory.path())) {
      seen = probe.weights(new int[] {1, 2, 3, 4, 5, 6, 7});
    }
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
