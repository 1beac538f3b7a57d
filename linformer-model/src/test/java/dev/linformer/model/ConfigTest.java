package dev.linformer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.internal.JsonObjectReader;
import dev.linformer.ops.Activation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations from JSON and back, and what is said of each mistake. */
class ConfigTest {

  private static final String ENCODER = "\"input_size\": 16, \"channels\": 8, \"dim_k\": 4";
  private static final String CLASSIFIER =
      "\"model_type\": \"classifier\", \"num_tokens\": 16, \"num_classes\": 10, " + ENCODER;

  @TempDir private Path folder;

  private ModelConfig read(String json) throws IOException {
    return ModelConfig.read(Files.writeString(folder.resolve("config.json"), json));
  }

  private void assertRefused(String json, String... parts) throws IOException {
    Path file = Files.writeString(folder.resolve("config.json"), json);
    String message = Values.refusal(() -> ModelConfig.read(file));
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  @Test
  void defaultsAreTheReferences() throws IOException {
    LinformerConfig config = LinformerConfig.builder(16, 8, 4).build();
    assertEquals(256, config.feedForwardDim());
    assertEquals(4, config.heads());
    assertEquals(2, config.headDim());
    assertEquals(1, config.depth());
    assertEquals(0.1, config.dropout());
    assertEquals(0.15, config.feedForwardDropout());
    assertEquals(Activation.GELU, config.activation());
    assertEquals(CheckpointLevel.C0, config.checkpointLevel());
    assertEquals(ParameterSharing.LAYERWISE, config.parameterSharing());
    assertEquals(config, read("{" + ENCODER + "}"));
    assertEquals(config, read("{" + ENCODER + ", \"dim_d\": null, \"model_type\": null}"));

    var classifier =
        assertInstanceOf(LinformerClassifierConfig.class, read("{" + CLASSIFIER + "}"));
    assertEquals(LinformerClassifierConfig.builder(config, 16, 10).build(), classifier);
  }

  @Test
  void jsonAndBack() {
    LinformerConfig encoder =
        LinformerConfig.builder(13, 7, 5)
            .feedForwardDim(11)
            .headDim(3)
            .heads(2)
            .depth(17)
            .dropout(0.25)
            .feedForwardDropout(0)
            .activation(Activation.RELU)
            .parameterSharing(ParameterSharing.KV)
            .build();
    assertEquals(encoder, ModelConfig.parse(new JsonObjectReader("json", encoder.toJson())));
    for (Pooling pooling : Pooling.values()) {
      var classifier =
          LinformerClassifierConfig.builder(encoder, 19, 23)
              .pooling(pooling)
              .tokenDropout(0.5)
              .build();
      assertEquals(
          classifier, ModelConfig.parse(new JsonObjectReader("json", classifier.toJson())));
    }
  }

  @Test
  void aText() throws IOException {
    String json = "{" + CLASSIFIER + "}";
    assertEquals(read(json), ModelConfig.parse(json));
    String unknown = Values.refusal(() -> ModelConfig.parse("{" + ENCODER + ", \"n_head\": 2}"));
    assertTrue(unknown.startsWith("configuration: unknown key \"n_head\"; known are "), unknown);
    assertEquals(
        "configuration: a JSON object {…} is expected",
        Values.refusal(() -> ModelConfig.parse("[]")));
  }

  @Test
  void bothSpellingsOfBfloat16() throws IOException {
    for (String spelling : new String[] {"bf16", "BF16", "bfloat16"}) {
      String json = "{" + ENCODER + ", \"precision\": \"" + spelling + "\"}";
      var config = assertInstanceOf(LinformerConfig.class, read(json));
      assertEquals(ComputePrecision.BF16, config.precision());
      assertEquals("bf16", config.toJson().path("precision").asText());
    }
    assertRefused(
        "{" + ENCODER + ", \"precision\": \"half\"}",
        "precision = half, but one of float32, bf16 is expected");
  }

  @Test
  void aDirectoryKeepsItsConfiguration() throws IOException {
    var config = LinformerConfig.builder(16, 8, 4).build();
    ModelDirectory directory = ModelDirectory.create(folder.resolve("model"));
    directory.writeConfig(config);
    assertEquals(config, directory.config());
  }

  @Test
  void anUnknownKeyIsRefusedWithTheKnownOnes() throws IOException {
    assertRefused(
        "{" + ENCODER + ", \"n_head\": 2}",
        "config.json: unknown key \"n_head\"; known are model_type, input_size, channels, dim_k,"
            + " dim_ff, dim_d, nhead, depth, dropout, dropout_ff, activation, checkpoint_level,"
            + " heads_per_group, chunk, precision, parameter_sharing");
    assertRefused("{" + ENCODER + ", \"num_tokens\": 2}", "unknown key \"num_tokens\"");
    assertRefused(
        "{" + CLASSIFIER + ", \"classes\": 2}",
        "unknown key \"classes\"",
        "num_tokens, num_classes, pooling, dropout_tokens");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"128\"", "1.5", "128.0", "true", "[128]", "{}", "3000000000"})
  void aWholeNumberIsNothingElse(String value) throws IOException {
    assertRefused(
        "{\"input_size\": %s, \"channels\": 8, \"dim_k\": 4}".formatted(value),
        "input_size = " + value + ", but a whole number is expected");
    assertRefused(
        "{" + ENCODER + ", \"depth\": " + value + "}",
        "depth = " + value + ", but a whole number is expected");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dropout | \"0.1\" | a number is expected",
        "dropout | true | a number is expected",
        "dropout | 1.0 | a rate from 0 up to, not including, 1 is expected",
        "dropout | -0.1 | a rate from 0 up to, not including, 1 is expected",
        "dropout_ff | 1.5 | a rate from 0 up to, not including, 1 is expected",
        "dim_k | 17 | 1 to input_size = 16 is expected",
        "dim_k | 0 | 1 to input_size = 16 is expected",
        "dim_ff | 0 | at least 1 is expected",
        "dim_d | 0 | at least 1 is expected",
        "dim_d | -1 | at least 1 is expected",
        "nhead | 0 | at least 1 is expected",
        "nhead | -1 | at least 1 is expected",
        "depth | 0 | at least 1 is expected",
        "channels | 0 | at least 1 is expected",
        "activation | 3 | a text in quotes is expected",
        "activation | \"swish\" | one of gelu, relu, silu is expected",
        "parameter_sharing | \"all\" | one of none, headwise, kv, layerwise is expected",
        "checkpoint_level | \"C9\" | one of C0, C1, C2, C3 is expected",
        "heads_per_group | 0 | at least 1 is expected",
        "chunk | 0 | at least 1 is expected",
        "precision | \"fp8\" | one of float32, bf16 is expected",
        "model_type | \"bert\" | one of linformer, classifier, lm, encdec is expected"
      })
  void aValueOutOfItsRange(String key, String value, String wanted) throws IOException {
    String json = ENCODER.replaceAll("\"" + key + "\": \\d+,? ?", "").replaceAll(", $", "");
    assertRefused(
        "{" + json + ", \"" + key + "\": " + value + "}",
        key + " = " + unquoted(key, value) + ", but " + wanted);
  }

  /** Texts of a choice are shown as they are, other values as JSON. */
  private static String unquoted(String key, String value) {
    return key.startsWith("d") ? value : value.replace("\"", "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "num_classes | 1 | at least 2 is expected",
        "num_tokens | 0 | at least 1 is expected",
        "dropout_tokens | 1.0 | a rate from 0 up to, not including, 1 is expected",
        "pooling | \"max\" | one of mean, first is expected"
      })
  void aClassifiersValueOutOfItsRange(String key, String value, String wanted) throws IOException {
    String json = CLASSIFIER.replaceAll("\"" + key + "\": \\d+, ", "");
    assertRefused(
        "{" + json + ", \"" + key + "\": " + value + "}",
        key + " = " + unquoted(key, value) + ", but " + wanted);
  }

  @Test
  void choicesAreTakenInEitherCase() throws IOException {
    assertEquals(
        ParameterSharing.KV,
        read("{" + ENCODER + ", \"parameter_sharing\": \"KV\"}")
            .stacks()
            .get(0)
            .parameterSharing());
    assertEquals(
        CheckpointLevel.C0,
        read("{" + ENCODER + ", \"checkpoint_level\": \"c0\"}").stacks().get(0).checkpointLevel());
  }

  @Test
  void channelsThatDontDivideNeedAHeadWidth() throws IOException {
    assertRefused(
        "{" + ENCODER + ", \"nhead\": 3}",
        "channels = 8 is not divisible by nhead = 3; set dim_d, the width of a head");
    assertEquals(
        5, read("{" + ENCODER + ", \"nhead\": 3, \"dim_d\": 5}").stacks().get(0).headDim());
  }

  @Test
  void theLongestProjectionIsTheSequence() throws IOException {
    var config = read("{\"input_size\": 16, \"channels\": 8, \"dim_k\": 16}").stacks().get(0);
    assertEquals(16, config.projectedLength());
  }

  @Test
  void aMissingKeyIsNamed() throws IOException {
    assertRefused("{\"input_size\": 16, \"channels\": 8}", "config.json: key \"dim_k\" is missing");
    assertRefused(
        "{\"input_size\": 16, \"channels\": 8, \"dim_k\": null}", "key \"dim_k\" is missing");
    assertRefused("{}", "key \"input_size\" is missing");
    assertRefused(
        "{\"model_type\": \"classifier\", \"num_tokens\": 16, " + ENCODER + "}",
        "key \"num_classes\" is missing");
  }

  /** Sizes that no machine can hold are refused before anything is built with them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          depth           | at most 1000
          dim_d           | at most 536870911 with nhead = 4
          dim_ff          | at most 536870912 with channels = 8
          w_o_intermediate_dim | at most 536870912 with nhead · dim_d = 8
          ff_intermediate | at most 16777216 with dim_ff = 256
          num_tokens      | at most 536870912 with emb_dim = 8
          num_classes     | at most 536870912 with channels = 8
          emb_dim         | at most 536870912 with channels = 8
          """)
  void sizesWithoutMeasure(String key, String wanted) throws IOException {
    String type =
        switch (key) {
          case "num_classes" -> "\"model_type\": \"classifier\", \"num_tokens\": 16, ";
          case "num_tokens" -> "\"model_type\": \"lm\", ";
          case "emb_dim" -> "\"model_type\": \"lm\", \"num_tokens\": 16, \"use_pos_emb\": false, ";
          default -> "";
        };
    String size = ", \"parameter_sharing\": \"none\", \"" + key + "\": 2147483647}";
    assertRefused("{" + type + ENCODER + size, key + " = 2147483647, but " + wanted, "is expected");
  }

  @Test
  void sizesThatAreTooMuchTogether() throws IOException {
    int most = Integer.MAX_VALUE;
    assertRefused(
        "{\"input_size\": %s, \"channels\": 8, \"dim_k\": 4}".formatted(most),
        "input_size = 2147483647, but at most 536870912 with channels = 8 is expected");
    assertRefused(
        "{\"input_size\": 16, \"channels\": %s, \"dim_k\": 4, \"dim_d\": 1}".formatted(most),
        "channels = 2147483647, but at most 1073741824 with nhead · dim_d = 4 is expected");
    assertRefused(
        "{" + ENCODER + ", \"depth\": 2, \"dim_d\": 1, \"nhead\": " + most + "}",
        "nhead = 2147483647, but at most 100000 with depth = 2 is expected");
    assertRefused(
        "{\"input_size\": 8388608, \"channels\": 8, \"dim_k\": 1024}",
        "dim_k = 1024, but at most 512 with input_size = 8388608 is expected");
    assertRefused(
        "{\"input_size\": 8388608, \"channels\": 8, \"dim_k\": 1, \"dim_d\": 64, \"method\":"
            + " \"convolution\"}",
        "dim_d = 64, but a smaller one, or a larger dim_k");
    // 16,777,216 tokens on a GPU, as docs/checkpointing.md has them.
    read("{\"input_size\": 16777216, \"channels\": 64, \"dim_k\": 128}");
  }

  @Test
  void aByteOrderMarkIsNoJson() throws IOException {
    String json = "{\"input_size\": 16, \"channels\": 8, \"dim_k\": 4}";
    Path plain = Files.writeString(folder.resolve("plain.json"), json);
    Path marked = Files.writeString(folder.resolve("marked.json"), '\ufeff' + json);
    assertEquals(ModelConfig.read(plain), ModelConfig.read(marked));
  }

  @Test
  void aMissingFileIsNamed() {
    Path file = folder.resolve("none.json");
    assertEquals(file + ": no such file", Values.refusal(() -> ModelConfig.read(file)));
    assertEquals(
        folder + ": is a folder, and a file is expected",
        Values.refusal(() -> ModelConfig.read(folder)));
  }

  @Test
  void whatIsNotJsonIsRefusedWithItsLine() throws IOException {
    assertRefused(
        "{\n\"input_size\": 16,\n\"channels\" 8}", "config.json: not valid JSON, line 3:");
    assertRefused("{" + ENCODER + "}\n}", "not valid JSON, line 2:");
    assertRefused("{\"input_size\": NaN}", "not valid JSON, line 1:");
    assertRefused("{" + ENCODER, "not valid JSON, line 1:");
    assertRefused("{" + ENCODER + ",\n \"dim_k\": 4}", "not valid JSON, line 2:", "dim_k");
  }

  @Test
  void anotherJsonValueIsRefused() throws IOException {
    for (String json : new String[] {"[16, 8]", "\"text\"", "3", "null", ""}) {
      assertRefused(json, "config.json: a JSON object {…} is expected");
    }
  }

  @Test
  void objectsInside() throws IOException {
    Path file = folder.resolve("inside.json");
    Files.writeString(
        file,
        "{\"one\": {\"a\": 1}, \"list\": [{\"a\": 2}], \"mixed\": [{}, 1], \"number\": 5,"
            + " \"long\": 5000000000}");
    JsonObjectReader keys = JsonObjectReader.read(file);
    assertEquals(1, keys.object("one").integer("a"));
    assertEquals(2, keys.objects("list").get(0).integer("a"));
    assertEquals(5_000_000_000L, keys.longInteger("long"));
    JsonObjectReader inner = keys.object("one");
    assertEquals(file + ", one: key \"b\" is missing", Values.refusal(() -> inner.integer("b")));
    for (String key : new String[] {"mixed", "number", "one"}) {
      String message = Values.refusal(() -> keys.objects(key));
      assertTrue(message.endsWith("but a list of objects [{…}] is expected"), message);
    }
    String message = Values.refusal(() -> keys.object("number"));
    assertEquals(file + ": number = 5, but an object {…} is expected", message);
    assertTrue(Values.refusal(() -> keys.objects("none")).endsWith("key \"none\" is missing"));
    assertTrue(Values.refusal(() -> keys.object("none")).endsWith("key \"none\" is missing"));
  }
}
