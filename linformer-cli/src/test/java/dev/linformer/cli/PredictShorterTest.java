package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.internal.weights.NpyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.ndarray.Shape;

/** Sequences that are shorter than input_size give what they give padded and masked. */
class PredictShorterTest {

  private static final int N = 7;
  private static final int M = 4;
  private static final int SOURCE = 3;
  private static final int ROWS = 2;
  private static final int CHANNELS = 4;
  private static final int VOCABULARY = 11;
  private static final float LIMIT = 1e-5f;

  private static final String STACK =
      "\"input_size\": 7, \"channels\": 4, \"dim_k\": 3, \"dim_ff\": 5, \"nhead\": 2, \"depth\": 2";
  private static final String TOKENS = STACK + ", \"num_tokens\": 11";

  @TempDir private Path folder = Path.of("");

  private static String config(String kind) {
    return switch (kind) {
      case "encoder" -> "{%s}".formatted(STACK);
      case "decoder" -> "{%s, \"decoder_mode\": true}".formatted(STACK);
      case "classifier" ->
          "{%s, \"model_type\": \"classifier\", \"num_classes\": 3}".formatted(TOKENS);
      case "lm" -> "{%s, \"model_type\": \"lm\"}".formatted(TOKENS);
      case "causal lm" -> "{%s, \"model_type\": \"lm\", \"causal\": true}".formatted(TOKENS);
      case "lm with a source" ->
          "{%s, \"model_type\": \"lm\", \"causal\": true, \"decoder_mode\": true}"
              .formatted(TOKENS);
      default ->
          "{%s, %s, \"model_type\": \"encdec\"}"
              .formatted(
                  TOKENS.replace(" \"", " \"enc_").replaceFirst("^\"", "\"enc_"),
                  TOKENS.replace(" \"", " \"dec_").replaceFirst("^\"", "\"dec_"));
    };
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "encoder",
        "decoder",
        "classifier",
        "lm",
        "causal lm",
        "lm with a source",
        "encdec"
      })
  void ofEachKindOfModel(String kind) throws IOException {
    Path model = folder.resolve("model");
    Cli.done("init", "--config", Fixtures.config(folder, config(kind)), "--out", model);
    boolean vectors = kind.endsWith("coder");
    boolean source = kind.contains("source") || kind.equals("decoder") || kind.equals("encdec");
    List<Object> shorter = new ArrayList<>(List.of("predict", "--model", model));
    List<Object> padded = new ArrayList<>(shorter);
    shorter.addAll(List.of("--input", input(vectors, M, M)));
    padded.addAll(List.of("--input", input(vectors, M, N), "--mask", mask(M)));
    if (source) {
      boolean ofVectors = !kind.equals("encdec");
      shorter.addAll(List.of("--source", input(ofVectors, SOURCE, SOURCE)));
      padded.addAll(List.of("--source", input(ofVectors, SOURCE, N)));
      padded.addAll(List.of("--source-mask", mask(SOURCE)));
    }
    NpyFile found = predict(shorter);
    NpyFile expected = predict(padded);
    if (kind.equals("classifier")) {
      assertEquals(Shape.of(ROWS, 3), found.shape());
      assertArrayEquals(expected.floats(), found.floats(), LIMIT);
      return;
    }
    int width = vectors ? CHANNELS : VOCABULARY;
    assertEquals(Shape.of(ROWS, M, width), found.shape());
    for (int row = 0; row < ROWS; row++) {
      assertArrayEquals(
          Arrays.copyOfRange(expected.floats(), row * N * width, (row * N + M) * width),
          Arrays.copyOfRange(found.floats(), row * M * width, (row + 1) * M * width),
          LIMIT);
    }
  }

  /** ListOps is learnt with zeros behind its expressions, which the model sees. */
  @Test
  void zerosStandBehindWhatWasLearntSo() throws IOException {
    Path model = folder.resolve("model");
    Fixtures.trained(model, Fixtures.config(folder, Fixtures.CLASSIFIER));
    int[] tokens = new Random(1).ints(24, 0, 16).toArray();
    Arrays.fill(tokens, 9, 24, 0);
    Path all = Fixtures.ints(folder.resolve("all.npy"), "(1, 24)", tokens);
    Path some = Fixtures.ints(folder.resolve("some.npy"), "(1, 9)", Arrays.copyOf(tokens, 9));
    assertArrayEquals(
        predict(List.of("predict", "--model", model, "--input", all)).floats(),
        predict(List.of("predict", "--model", model, "--input", some)).floats());
  }

  @Test
  void longerOnesAreRefused() throws IOException {
    Path model = folder.resolve("model");
    Cli.done("init", "--config", Fixtures.config(folder, config("lm")), "--out", model);
    Path output = folder.resolve("y.npy");
    for (int length : new int[] {0, N + 1}) {
      Path input = input(false, length, length);
      Cli cli = Cli.run("predict", "--model", model, "--input", input, "--output", output);
      assertEquals(2, cli.code(), cli::toString);
      assertTrue(
          cli.err()
              .contains(
                  "%s has shape [2, %s], but the model takes [b, 7] with any first axis from 1 on, and a second from 1 to 7"
                      .formatted(input, length)),
          cli::err);
    }
  }

  private NpyFile predict(List<Object> arguments) throws IOException {
    Path output = folder.resolve("y.npy");
    List<Object> all = new ArrayList<>(arguments);
    all.addAll(List.of("--output", output));
    Cli.done(all.toArray());
    return NpyFile.read(output);
  }

  /** The same values in each row's first positions, whatever the length; others behind. */
  private Path input(boolean vectors, int real, int length) throws IOException {
    Path file = folder.resolve("input-%s-%s-%s.npy".formatted(vectors, real, length));
    Random values = new Random(real);
    Random others = new Random(17);
    float[] floats = new float[ROWS * length * CHANNELS];
    int[] ints = new int[ROWS * length];
    for (int row = 0; row < ROWS; row++) {
      for (int i = 0; i < length; i++) {
        Random random = i < real ? values : others;
        ints[row * length + i] = random.nextInt(VOCABULARY);
        for (int channel = 0; channel < CHANNELS; channel++) {
          floats[(row * length + i) * CHANNELS + channel] = random.nextFloat() - 0.5f;
        }
      }
    }
    if (vectors) {
      NpyFile.write(file, Shape.of(ROWS, length, CHANNELS), floats);
      return file;
    }
    return Fixtures.ints(file, "(%s, %s)".formatted(ROWS, length), ints);
  }

  private Path mask(int real) throws IOException {
    byte[] flags = new byte[ROWS * N];
    for (int row = 0; row < ROWS; row++) {
      Arrays.fill(flags, row * N, row * N + real, (byte) 1);
    }
    Path file = folder.resolve("mask-%s.npy".formatted(real));
    Files.deleteIfExists(file);
    return Fixtures.npy(file, "|b1", "(%s, %s)".formatted(ROWS, N), flags);
  }
}
