package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.JsonKeys;
import dev.linformer.model.Values;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainerConfigTest {

  private static TrainerConfig config(int steps, int warmup) {
    return new TrainerConfig(steps, 32, 0.5, warmup, 0.01, 1.25, 7, 11, 3, 1L << 40, 2);
  }

  @Test
  void theRateRisesThenFallsToOneStepAboveZero() {
    TrainerConfig config = config(110, 10);
    assertEquals(0.05, config.learningRateAt(1), 1e-15);
    assertEquals(0.25, config.learningRateAt(5), 1e-15);
    assertEquals(0.5, config.learningRateAt(10));
    assertEquals(0.5, config.learningRateAt(11));
    assertEquals(0.495, config.learningRateAt(12), 1e-15);
    assertEquals(0.005, config.learningRateAt(110), 1e-15);
  }

  @Test
  void withoutWarmUpTheFirstRateIsTheHighest() {
    TrainerConfig config = config(4, 0);
    assertEquals(0.5, config.learningRateAt(1));
    assertEquals(0.125, config.learningRateAt(4));
  }

  @Test
  void aTrainingMayBeAllWarmUp() {
    assertEquals(0.5, config(4, 4).learningRateAt(4));
    assertEquals(0.25, config(4, 8).learningRateAt(4));
  }

  @Test
  void jsonAndBack() {
    TrainerConfig config = config(110, 10);
    assertEquals(config, TrainerConfig.parse(new JsonKeys("json", config.toJson())));
  }

  @ParameterizedTest
  @CsvSource({
    "max_steps,0,steps,at least 1",
    "batch_size,0,batch_size,at least 1",
    "learning_rate,0,learning_rate,a number above 0",
    "learning_rate,-1,learning_rate,a number above 0",
    "warmup_steps,-1,warmup_steps,at least 0",
    "weight_decay,-1,weight_decay,a number from 0 on",
    "max_grad_norm,0,max_grad_norm,a number above 0",
    "logging_steps,0,logging_steps,at least 1",
    "save_steps,0,save_steps,at least 1",
    "save_total_limit,0,save_total_limit,at least 1",
    "threads,-1,threads,at least 0"
  })
  void aValueOutOfItsRange(String key, int value, String named, String wanted) {
    ObjectNode json = config(110, 10).toJson().put(key, value);
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonKeys("json", json)));
    assertTrue(message.startsWith(named + " = " + value), message);
    assertTrue(message.endsWith("but " + wanted + " is expected"), message);
  }

  @Test
  void aRateThatIsNoNumber() {
    for (double rate : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      String message = Values.refusal(() -> new TrainerConfig(1, 1, rate, 0, 0, 1, 1, 1, 1, 1, 1));
      assertTrue(message.startsWith("learning_rate = " + rate), message);
    }
  }

  @Test
  void missingAndUnknownKeys() {
    ObjectNode json = config(110, 10).toJson();
    json.remove("seed");
    assertEquals(
        "json: key \"seed\" is missing",
        Values.refusal(() -> TrainerConfig.parse(new JsonKeys("json", json))));
    json.put("seed", 1).put("epochs", 3);
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonKeys("json", json)));
    assertTrue(message.startsWith("json: unknown key \"epochs\"; known are max_steps,"), message);
  }
}
