package dev.linformer.model.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Values;
import dev.linformer.runtime.Toggle;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerConfigTest {

  private static TrainerConfig config(int steps, int warmup) {
    return config(steps, warmup, Schedule.LINEAR);
  }

  private static TrainerConfig config(int steps, int warmup, Schedule schedule) {
    return TrainerConfig.builder(steps)
        .batchSize(32)
        .accumulation(5)
        .optimizer(new AdamW(0.8, 0.98, 1e-7, 0.02))
        .learningRate(0.5)
        .warmupSteps(warmup)
        .schedule(schedule)
        .clipNorm(1.25)
        .logEvery(7)
        .evaluateEvery(13)
        .patience(17)
        .checkpointEvery(11)
        .keepCheckpoints(3)
        .seed(1L << 40)
        .threads(2)
        .build();
  }

  /** What is not set has the values of absent keys. */
  @Test
  void theDefaultsOfTheBuilderAreThoseOfJson() {
    for (int steps : new int[] {1, 7, 30, 999, 1000, 6000}) {
      TrainerConfig built = TrainerConfig.builder(steps).build();
      assertEquals(built, TrainerConfig.parse("{\"max_steps\": %s}".formatted(steps)));
      assertEquals(Math.min(100, steps / 10), built.warmupSteps());
    }
  }

  /** Every value that is set is the one that stands in JSON, in a fixed order. */
  @Test
  void everyKeyInItsOrder() {
    TrainerConfig config =
        TrainerConfig.builder(110)
            .batchSize(32)
            .accumulation(5)
            .optimizer(new Sgd(0.5, true, 0.25))
            .learningRate(0.75)
            .warmupSteps(9)
            .schedule(Schedule.COSINE)
            .clipNorm(1.25)
            .logEvery(7)
            .evaluateEvery(13)
            .patience(17)
            .checkpointEvery(11)
            .keepCheckpoints(3)
            .seed(23)
            .threads(2)
            .xla(Toggle.ON)
            .kernels(Toggle.OFF)
            .build();
    String json =
        """
        {"max_steps":110,"batch_size":32,"gradient_accumulation_steps":5,"optim":"sgd",\
        "momentum":0.5,"nesterov":true,"weight_decay":0.25,"learning_rate":0.75,"warmup_steps":9,\
        "lr_scheduler_type":"cosine","max_grad_norm":1.25,"logging_steps":7,"eval_steps":13,\
        "early_stopping_patience":17,"save_steps":11,"save_total_limit":3,"seed":23,"threads":2,\
        "xla":true,"kernels":false}""";
    assertEquals(json, config.toJson().toString());
    assertEquals(config, TrainerConfig.parse(json));
  }

  @Test
  void aTextThatIsNoJson() {
    String message = Values.refusal(() -> TrainerConfig.parse("{\"max_steps\": 3,}"));
    assertTrue(message.startsWith("training_args: not valid JSON, line 1: "), message);
  }

  @Test
  void optimizersFromText() {
    assertEquals(new AdamW(), Optimizer.parse("{}"));
    assertEquals(new Sgd(), Optimizer.parse("{\"optim\": \"sgd\"}"));
    assertEquals(new Adagrad(), Optimizer.parse("{\"optim\": \"adagrad\"}"));
    assertEquals(new RmsProp(), Optimizer.parse("{\"optim\": \"rmsprop\"}"));
    assertEquals(new Adadelta(), Optimizer.parse("{\"optim\": \"adadelta\"}"));
    assertEquals(
        "optimizer: unknown key \"rho\"; known are optim, weight_decay, momentum, nesterov",
        Values.refusal(() -> Optimizer.parse("{\"optim\": \"sgd\", \"rho\": 0.5}")));
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
    assertEquals(config, TrainerConfig.parse(new JsonObjectReader("json", config.toJson())));
  }

  @Test
  void xlaIsTrueFalseOrLeftToTheDevice() throws IOException {
    for (String value : List.of("true", "false", "null")) {
      ObjectNode json = config(110, 10).toJson();
      json.set("xla", new ObjectMapper().readTree(value));
      TrainerConfig parsed = TrainerConfig.parse(new JsonObjectReader("json", json));
      assertEquals(value, String.valueOf(parsed.xla().toBoolean()));
      assertEquals(json, parsed.toJson());
    }
    ObjectNode json = config(110, 10).toJson().put("xla", "auto");
    assertEquals(
        "json: xla = \"auto\", but true or false is expected",
        Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json))));
  }

  @Test
  void kernelsAreTrueFalseOrLeftToTheDevice() throws IOException {
    for (String value : List.of("true", "false", "null")) {
      ObjectNode json = config(110, 10).toJson();
      json.set("kernels", new ObjectMapper().readTree(value));
      TrainerConfig parsed = TrainerConfig.parse(new JsonObjectReader("json", json));
      assertEquals(value, String.valueOf(parsed.kernels().toBoolean()));
      assertEquals(json, parsed.toJson());
    }
    ObjectNode json = config(110, 10).toJson();
    json.remove("kernels");
    assertEquals(Toggle.AUTO, TrainerConfig.parse(new JsonObjectReader("json", json)).kernels());
    ObjectNode word = config(110, 10).toJson().put("kernels", "auto");
    assertEquals(
        "json: kernels = \"auto\", but true or false is expected",
        Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", word))));
  }

  /** Halfway down from step 11 to behind 110, and at the ends. */
  @Test
  void schedules() {
    TrainerConfig cosine = config(110, 10, Schedule.COSINE);
    assertEquals(0.25, cosine.learningRateAt(5), 1e-15);
    assertEquals(0.5, cosine.learningRateAt(11));
    assertEquals(0.25, cosine.learningRateAt(61), 1e-15);
    assertEquals(0.25 * (1 - Math.cos(Math.PI / 100)), cosine.learningRateAt(110), 1e-15);
    TrainerConfig root = config(110, 10, Schedule.INVERSE_SQRT);
    assertEquals(0.05, root.learningRateAt(1), 1e-15);
    assertEquals(0.5, root.learningRateAt(10));
    assertEquals(0.25, root.learningRateAt(40), 1e-15);
    assertEquals(0.25, config(110, 0, Schedule.INVERSE_SQRT).learningRateAt(4), 1e-15);
    TrainerConfig constant = config(110, 10, Schedule.CONSTANT);
    assertEquals(0.05, constant.learningRateAt(1), 1e-15);
    assertEquals(0.5, constant.learningRateAt(110));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'optim': 'sgd', 'momentum': 0.75, 'nesterov': true, 'weight_decay': 0.25}",
        "{'optim': 'adagrad', 'epsilon': 0.5}",
        "{'optim': 'rmsprop', 'rho': 0.75, 'momentum': 0.5, 'epsilon': 0.25}",
        "{'optim': 'adadelta', 'rho': 0.75, 'epsilon': 0.25}"
      })
  void optimizersInJsonAndBack(String text) throws IOException {
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(text.replace('\'', '"'));
    json.put("max_steps", 7);
    TrainerConfig config = TrainerConfig.parse(new JsonObjectReader("json", json));
    json.fieldNames()
        .forEachRemaining(
            key -> assertEquals(json.get(key).asText(), config.toJson().get(key).asText()));
    assertEquals(config, TrainerConfig.parse(new JsonObjectReader("json", config.toJson())));
  }

  @Test
  void optimizersRefuse() {
    ObjectNode json = config(110, 10).toJson().put("optim", "lion");
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json)));
    assertEquals(
        "json: optim = lion, but one of adamw, sgd, adagrad, rmsprop, adadelta is expected",
        message);
    ObjectNode foreign = config(110, 10).toJson().put("momentum", 0.5);
    message = Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", foreign)));
    assertTrue(message.startsWith("json: unknown key \"momentum\""), message);
    message = Values.refusal(() -> new Sgd(0, true, 0));
    assertEquals("nesterov = true, but false without momentum is expected", message);
    message = Values.refusal(() -> new RmsProp(1, 0, 1, 0));
    assertEquals("rho = 1.0, but a number in [0,1) within float32 is expected", message);
  }

  @ParameterizedTest
  @CsvSource({
    "max_steps,0,steps,at least 1",
    "batch_size,0,batch_size,at least 1",
    "batch_size,1048577,batch_size,at most 1048576",
    "batch_size,1000000000,batch_size,at most 1048576",
    "gradient_accumulation_steps,1000000000,gradient_accumulation_steps,at most 65536",
    "threads,999999,threads,at most 1024",
    "learning_rate,0,learning_rate,a number above 0 within float32",
    "learning_rate,-1,learning_rate,a number above 0 within float32",
    "warmup_steps,-1,warmup_steps,at least 0",
    "weight_decay,-1,weight_decay,a number from 0 on within float32",
    "max_grad_norm,0,max_grad_norm,a number above 0 within float32",
    "logging_steps,0,logging_steps,at least 1",
    "save_steps,0,save_steps,at least 1",
    "save_total_limit,0,save_total_limit,at least 1",
    "gradient_accumulation_steps,0,gradient_accumulation_steps,at least 1",
    "eval_steps,-1,eval_steps,at least 0",
    "eval_steps,0,early_stopping_patience,0 without eval_steps",
    "early_stopping_patience,-1,early_stopping_patience,at least 0",
    "adam_beta1,1,adam_beta1,'a number in [0,1) within float32'",
    "adam_beta2,-1,adam_beta2,'a number in [0,1) within float32'",
    "adam_epsilon,0,adam_epsilon,a number above 0 within float32",
    "threads,-1,threads,at least 0"
  })
  void aValueOutOfItsRange(String key, int value, String named, String wanted) {
    ObjectNode json = config(110, 10).toJson().put(key, value);
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json)));
    boolean crossed = key.equals("eval_steps") && value == 0;
    int shown = crossed ? 17 : value;
    assertTrue(message.startsWith(named + " = " + shown), message);
    assertTrue(message.endsWith("but " + wanted + " is expected"), message);
  }

  @Test
  void aRateThatIsNoNumber() {
    for (double rate : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      String message = Values.refusal(() -> Tiny.reckless(rate));
      assertTrue(message.startsWith("learning_rate = " + rate), message);
    }
  }

  /** Both ends of every range are inside of it. */
  @Test
  void theLeastAndTheMost() {
    ObjectNode least = config(110, 10).toJson();
    for (String key :
        List.of(
            "max_steps",
            "batch_size",
            "gradient_accumulation_steps",
            "logging_steps",
            "save_steps",
            "save_total_limit")) {
      least.put(key, 1);
    }
    for (String key :
        List.of(
            "warmup_steps",
            "eval_steps",
            "early_stopping_patience",
            "threads",
            "adam_beta1",
            "adam_beta2",
            "weight_decay")) {
      least.put(key, 0);
    }
    least.put("adam_epsilon", Float.MIN_VALUE).put("learning_rate", Float.MIN_VALUE);
    ObjectNode most = config(110, 10).toJson();
    most.put("max_steps", Integer.MAX_VALUE)
        .put("batch_size", TrainerConfig.MOST_SEQUENCES)
        .put("gradient_accumulation_steps", TrainerConfig.MOST_PARTS)
        .put("threads", TrainerConfig.MOST_THREADS)
        .put("learning_rate", Float.MAX_VALUE)
        .put("max_grad_norm", Float.MAX_VALUE)
        .put("weight_decay", Float.MAX_VALUE)
        .put("adam_beta1", Math.nextDown(1f));
    for (ObjectNode json : List.of(least, most)) {
      TrainerConfig parsed = TrainerConfig.parse(new JsonObjectReader("json", json));
      assertEquals(parsed, TrainerConfig.parse(new JsonObjectReader("json", parsed.toJson())));
    }
  }

  @Test
  void batchesOfMoreTokensThanAnArrayHas() {
    ObjectNode json = config(110, 10).toJson().put("batch_size", 1 << 20);
    TrainerConfig config = TrainerConfig.parse(new JsonObjectReader("json", json));
    config.requireFits(LinformerConfig.builder(2047, 8, 4).build());
    String message =
        Values.refusal(() -> config.requireFits(LinformerConfig.builder(2048, 8, 4).build()));
    assertEquals(
        "batch_size = 1048576, but with input_size = 2048 at most 1048575 is expected; gradient_accumulation_steps adds up batches",
        message);
  }

  /** Infinite, 0 or 1 in float32, and none of these as it stands. */
  @ParameterizedTest
  @CsvSource({
    "adamw,learning_rate,1e300",
    "adamw,learning_rate,1e39",
    "adamw,learning_rate,1e-60",
    "adamw,max_grad_norm,1e300",
    "adamw,max_grad_norm,1e-60",
    "adamw,weight_decay,1e300",
    "adamw,adam_beta1,0.99999999999",
    "adamw,adam_beta2,0.99999999999",
    "adamw,adam_epsilon,1e300",
    "adamw,adam_epsilon,1e-60",
    "sgd,momentum,0.99999999999",
    "sgd,weight_decay,1e300",
    "adagrad,epsilon,1e300",
    "adagrad,epsilon,1e-60",
    "rmsprop,rho,0.99999999999",
    "rmsprop,momentum,0.99999999999",
    "rmsprop,epsilon,1e-60",
    "adadelta,rho,0.99999999999",
    "adadelta,epsilon,1e300"
  })
  void aValueThatFloat32DoesNotHold(String optim, String key, double value) {
    ObjectNode json = config(110, 10).toJson();
    List.of("adam_beta1", "adam_beta2", "adam_epsilon").forEach(json::remove);
    json.put("optim", optim).put(key, value);
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json)));
    assertTrue(message.startsWith(key + " = " + value + ", but a number "), message);
    assertTrue(message.endsWith(" within float32 is expected"), message);
  }

  @Test
  void missingAndUnknownKeys() {
    ObjectNode json = config(110, 10).toJson();
    json.remove("max_steps");
    assertEquals(
        "json: key \"max_steps\" is missing",
        Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json))));
    json.put("max_steps", 1).put("epochs", 3);
    String message = Values.refusal(() -> TrainerConfig.parse(new JsonObjectReader("json", json)));
    assertTrue(message.startsWith("json: unknown key \"epochs\"; known are max_steps,"), message);
  }
}
