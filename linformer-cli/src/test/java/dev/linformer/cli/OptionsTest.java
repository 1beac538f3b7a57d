package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.internal.weights.NpyFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.Shape;

/** Masks, sources and generation from the command line. */
class OptionsTest {

  private static final int VOCABULARY = 11;

  private static final String LANGUAGE =
      """
      {"model_type": "lm", "num_tokens": 11, "input_size": 5, "channels": 4, "dim_k": 3,
       "dim_ff": 7, "nhead": 2, "causal": true}""";

  private static final String BYTES = LANGUAGE.replace("11", "256");

  private static final String ENCODER_DECODER =
      """
      {"model_type": "encdec", "enc_num_tokens": 11, "enc_input_size": 5, "enc_channels": 4,
       "enc_dim_k": 3, "enc_dim_ff": 7, "enc_nhead": 2, "dec_num_tokens": 13, "dec_input_size": 5,
       "dec_channels": 4, "dec_dim_k": 2, "dec_dim_ff": 7, "dec_nhead": 2}""";

  @TempDir private Path folder = Path.of("");

  private Path model(String json) throws IOException {
    Path out = folder.resolve("model");
    Cli.done("init", "--config", Fixtures.config(folder, json), "--out", out);
    return out;
  }

  private Path mask(String name, int... real) throws IOException {
    byte[] flags = new byte[real.length];
    for (int i = 0; i < real.length; i++) {
      flags[i] = (byte) real[i];
    }
    return Fixtures.npy(folder.resolve(name), "|b1", "(1, %s)".formatted(real.length), flags);
  }

  private Path tokens(String name, int... values) throws IOException {
    return Fixtures.ints(folder.resolve(name), "(1, %s)".formatted(values.length), values);
  }

  private float[] predict(Object... arguments) throws IOException {
    Path output = folder.resolve("y.npy");
    Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
    all[arguments.length] = "--output";
    all[arguments.length + 1] = output;
    Cli.done(all);
    return NpyFile.read(output).floats();
  }

  @Test
  void paddedTokensHaveNoPartInTheOthers() throws IOException {
    Path model = model(LANGUAGE.replace("true", "false"));
    Path one = tokens("one.npy", 1, 2, 3, 4, 5);
    Path other = tokens("other.npy", 1, 2, 3, 9, 10);
    Path mask = mask("mask.npy", 1, 1, 1, 0, 0);
    int real = 3 * VOCABULARY;
    float[] masked = predict("predict", "--model", model, "--input", one, "--mask", mask);
    float[] changed = predict("predict", "--model", model, "--input", other, "--mask", mask);
    assertArrayEquals(Arrays.copyOf(masked, real), Arrays.copyOf(changed, real));
    float[] plain = predict("predict", "--model", model, "--input", one);
    float[] plainChanged = predict("predict", "--model", model, "--input", other);
    assertFalse(Arrays.equals(Arrays.copyOf(plain, real), Arrays.copyOf(plainChanged, real)));
  }

  @Test
  void aSourceIsReadAndMasked() throws IOException {
    Path model = model(ENCODER_DECODER);
    Path target = tokens("target.npy", 12, 0, 3, 4, 5);
    Path one = tokens("one.npy", 1, 2, 3, 4, 5);
    Path other = tokens("other.npy", 1, 2, 3, 9, 10);
    Path mask = mask("mask.npy", 1, 1, 1, 0, 0);
    Object[] common = {"predict", "--model", model, "--input", target};
    float[] masked = predict(with(common, "--source", one, "--source-mask", mask));
    float[] changed = predict(with(common, "--source", other, "--source-mask", mask));
    assertEquals(5 * 13, masked.length);
    assertArrayEquals(masked, changed);
    assertFalse(
        Arrays.equals(
            predict(with(common, "--source", one)), predict(with(common, "--source", other))));

    Cli missing = Cli.run(with(common, "--output", folder.resolve("z.npy")));
    assertEquals(2, missing.code());
    assertTrue(missing.err().contains("this model takes a source; give it with --source"));
  }

  private static Object[] with(Object[] common, Object... more) {
    Object[] all = Arrays.copyOf(common, common.length + more.length);
    System.arraycopy(more, 0, all, common.length, more.length);
    return all;
  }

  @Test
  void masksThatDoNotFitAreRefused() throws IOException {
    Path model = model(LANGUAGE);
    Path input = tokens("x.npy", 1, 2, 3, 4, 5);
    Path output = folder.resolve("y.npy");
    refused("a mask holds booleans", model, input, output, tokens("ints.npy", 1, 1, 1, 1, 1));
    refused("short.npy has 4 positions, but", model, input, output, mask("short.npy", 1, 1, 1, 1));
    Path two = Fixtures.npy(folder.resolve("two.npy"), "|b1", "(2, 5)", new byte[10]);
    refused("has 2 sequences, but", model, input, output, two);
    Cli source =
        Cli.run(
            "predict", "--model", model, "--input", input, "--output", output, "--source", input);
    assertEquals(2, source.code());
    assertTrue(source.err().contains("--source: this model takes none"), source::err);
    assertFalse(Files.exists(output));
  }

  private static void refused(String message, Path model, Path input, Path output, Path mask) {
    Cli cli =
        Cli.run("predict", "--model", model, "--input", input, "--output", output, "--mask", mask);
    assertEquals(2, cli.code());
    assertTrue(cli.err().contains(message), cli::err);
  }

  @Test
  void generates() throws IOException {
    Path model = model(BYTES.replace("\"input_size\": 5", "\"input_size\": 40"));
    Object[] common = {"generate", "--model", model, "--prompt", "[MAX ", "--max-tokens", 20};
    String first = Cli.done(with(common, "--seed", 3)).out();
    assertTrue(first.startsWith("[MAX "));
    assertEquals(first, Cli.done(with(common, "--seed", 3)).out());
    assertFalse(first.equals(Cli.done(with(common, "--seed", 4)).out()));
    String likeliest = Cli.done(with(common, "--temperature", 0)).out();
    assertEquals(likeliest, Cli.done(with(common, "--top-k", 1, "--seed", 9)).out());
    assertEquals(likeliest, Cli.done(with(common, "--top-p", 1e-9, "--seed", 9)).out());
    assertEquals(first, Cli.done(with(common, "--top-p", 1, "--seed", 3)).out());
    String[][] bad = {
      {"--temperature", "-1", "temperature = -1.0"},
      {"--top-k", "-1", "top-k = -1"},
      {"--top-p", "0", "top-p = 0.0, but a number above 0, and 1 at most, is expected"},
      {"--max-tokens", "0", "--max-tokens 0"},
      {"--prompt", "", "a prompt of 1 to 40 tokens"},
    };
    for (String[] each : bad) {
      Object[] arguments = {"generate", "--model", model, each[0], each[1]};
      Cli cli = Cli.run(each[0].equals("--prompt") ? arguments : with(arguments, "--prompt", "x"));
      assertEquals(2, cli.code());
      assertTrue(cli.err().contains(each[2]), cli::err);
    }
  }

  @Test
  void thePromptMayBePipedIn() throws IOException {
    Path model = model(BYTES.replace("\"input_size\": 5", "\"input_size\": 40"));
    Object[] common = {"generate", "--model", model, "--max-tokens", 3, "--prompt"};
    String text = "caf\u00e9\n\n na\u00efve";
    String expected = Cli.done(with(common, text)).out();
    for (String end : new String[] {"", "\n", "\r\n"}) {
      assertEquals(expected, Cli.done(piped(text + end), with(common, "-")).out());
    }
    assertEquals(
        Cli.done(with(common, text + "\n")).out(),
        Cli.done(piped(text + "\n\n"), with(common, "-")).out());
    for (String nothing : new String[] {"", "\n"}) {
      Cli empty = Cli.run(piped(nothing), with(common, "-"));
      assertEquals(2, empty.code());
      assertEquals(
          "linformer generate: --prompt -: standard input is empty; pipe a text into the command",
          empty.err().strip());
    }
    Cli binary = Cli.run(new ByteArrayInputStream(new byte[] {-1, 65}), with(common, "-"));
    assertEquals(2, binary.code());
    assertTrue(binary.err().contains("--prompt -: standard input is no UTF-8 text"), binary::err);
  }

  private static InputStream piped(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void generatesFromCausalModelsOfBytesAlone() throws IOException {
    Path model = model(LANGUAGE);
    Cli few = Cli.run("generate", "--model", model, "--prompt", "x");
    assertEquals(2, few.code());
    assertTrue(few.err().contains("num_tokens = 11, but 256 is expected"), few::err);
  }

  @Test
  void summarisesEveryKindOfModel() throws IOException {
    String table = Cli.done("summary", "--config", Fixtures.config(folder, ENCODER_DECODER)).out();
    assertTrue(table.contains("decoder.linformer.seq.7"), table);
    assertTrue(table.contains("[b, 5, 13]"), table);
    Path npy = folder.resolve("x.npy");
    NpyFile.write(npy, Shape.of(1, 5, 4), new float[20]);
    Cli wrong =
        Cli.run(
            "predict",
            "--model",
            model(LANGUAGE),
            "--input",
            npy,
            "--output",
            folder.resolve("y.npy"));
    assertEquals(2, wrong.code());
  }
}
