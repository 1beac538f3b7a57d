package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.data.Batch;
import dev.linformer.model.data.ExampleData;
import dev.linformer.model.data.Objective;
import dev.linformer.runtime.Toggle;
import dev.linformer.runtime.internal.Devices;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec.DeviceType;

/** Training with XLA, of batches of one size, with every precision and with checkpoints. */
class XlaTest {

  @TempDir private Path folder = Path.of("");

  private static TrainerConfig trainer(boolean xla) {
    ObjectNode json = Tiny.trainer(7, 100, 1).toJson().put("xla", xla);
    return TrainerConfig.parse(new JsonObjectReader("test", json));
  }

  /** Losses of the steps, and of 40 validation examples in batches of 16, 16 and 8. */
  private List<Double> losses(ModelConfig model, Objective objective, boolean xla)
      throws IOException {
    List<Double> losses = new ArrayList<>();
    ExampleData data = Tiny.data(1);
    Path checkpoints = folder.resolve("xla-" + xla);
    try (Trainer trainer = Trainer.start(model, objective, trainer(xla), checkpoints)) {
      trainer.train(
          data,
          new TrainingListener() {
            @Override
            public void onStep(StepReport report) {
              losses.add(report.loss());
            }
          });
      Evaluation found = trainer.evaluate(data.validation(Tiny.BATCH));
      assertEquals(40, found.targets());
      losses.add(found.loss());
    }
    return losses;
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, C0, false, 1e-5",
    "FLOAT32, C1, true, 1e-5",
    "BF16, C0, true, 2e-2",
    "BF16, C3, false, 2e-2"
  })
  void lossesAreThoseWithoutXla(String precision, String level, boolean masked, double tolerance)
      throws IOException {
    ObjectNode json =
        Tiny.model(0.2).toJson().put("precision", precision).put("checkpoint_level", level);
    ModelConfig model = ModelConfig.parse(new JsonObjectReader("test", json));
    Objective objective = Objective.classPerSequence(masked);
    List<Double> expected = losses(model, objective, false);
    List<Double> found = losses(model, objective, true);
    assertEquals(8, found.size());
    for (int i = 0; i < found.size(); i++) {
      assertEquals(expected.get(i), found.get(i), tolerance, "number " + i);
    }
    assertNotEquals(expected, found, "XLA rounds in its own way");
  }

  @Test
  void batchesAreFilledUpWithWhatDoesNotCount() {
    Batch batch = new Batch(new int[] {1, 2, 3, 4, 5, 6}, new int[] {7, 8}, new int[] {3, 2});
    Batch filled = batch.filledUp(3);
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 0, 0, 0), list(filled.tokens()));
    assertEquals(List.of(7, 8, Batch.UNSCORED), list(filled.targets()));
    assertEquals(List.of(3, 2, 3), list(filled.lengths()));
    assertEquals(2, filled.scored());
    Batch everywhere = new Batch(new int[] {1, 2, 3}, new int[] {4, 5, 6}, new int[] {3});
    assertEquals(List.of(4, 5, 6, -1, -1, -1), list(everywhere.filledUp(2).targets()));
    assertEquals(
        "a batch of 2 sequences, but 1 at most are expected",
        assertThrows(IllegalArgumentException.class, () -> batch.filledUp(1)).getMessage());
  }

  private static List<Integer> list(int[] values) {
    return java.util.Arrays.stream(values).boxed().toList();
  }

  @Test
  void withoutAWishTheDeviceDecides() {
    assertTrue(Devices.compute(DeviceType.CPU));
    assertEquals(Devices.compute(DeviceType.GPU), Devices.compile(Toggle.AUTO));
    assertTrue(Devices.compile(Toggle.ON));
  }
}
