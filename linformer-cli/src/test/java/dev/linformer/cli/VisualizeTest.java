package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures of every kind of model, whose parts are 340 by 300 pixels. */
class VisualizeTest {

  @TempDir private Path folder = Path.of("");

  private Path model(String json) throws IOException {
    Path model = folder.resolve("model-" + Integer.toHexString(json.hashCode()));
    Cli.done("init", "--config", Fixtures.config(folder, json), "--out", model);
    return model;
  }

  private BufferedImage drawn(Object... arguments) throws IOException {
    Path out = folder.resolve("heads.png");
    Files.deleteIfExists(out);
    Object[] all = new Object[arguments.length + 3];
    all[0] = "visualize";
    all[1] = "--out";
    all[2] = out;
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    assertEquals("wrote " + out, Cli.done(all).out().strip());
    return ImageIO.read(out.toFile());
  }

  private static void assertGrid(int columns, int rows, BufferedImage image) {
    assertEquals(340 * columns, image.getWidth());
    assertEquals(300 * rows, image.getHeight());
  }

  @Test
  void encoder() throws IOException {
    byte[] data = new byte[2 * 96];
    for (int i = 0; i < data.length; i += 4) {
      data[i + 3] = 63; // 0.5
      data[i + 2] = (byte) i;
    }
    Path input = Fixtures.npy(folder.resolve("x.npy"), "<f4", "(2, 6, 4)", data);
    Path model = model(Fixtures.ENCODER);
    assertGrid(2, 1, drawn("--model", model, "--input", input));
    assertGrid(1, 1, drawn("--model", model, "--input", input, "--head", 1, "--n-limit", 3));
  }

  /** The text of a classifier of ListOps, and its tokens, make the same picture. */
  @Test
  void classifierFromTextFromTokensAndFromAnExport() throws IOException {
    Path model = model(Fixtures.CLASSIFIER);
    BufferedImage text = drawn("--model", model, "--text", "[MAX 2 9 ]");
    assertGrid(2, 1, text);
    int[] tokens = new int[24];
    System.arraycopy(dev.linformer.model.data.ListOps.parse("[MAX 2 9 ]"), 0, tokens, 0, 4);
    Path input = Fixtures.ints(folder.resolve("t.npy"), "(1, 24)", tokens);
    assertSame(text, drawn("--model", model, "--input", input));
    Path exported = folder.resolve("export");
    Cli.done("export", "--model", model, "--out", exported);
    assertSame(text, drawn("--model", exported, "--text", "[MAX 2 9 ]"));
    assertSame(text, drawn("--model", exported.resolve("1"), "--text", "[MAX 2 9 ]"));
  }

  private static void assertSame(BufferedImage expected, BufferedImage found) {
    for (int x = 0; x < expected.getWidth(); x++) {
      for (int y = 0; y < expected.getHeight(); y++) {
        assertEquals(expected.getRGB(x, y), found.getRGB(x, y), x + ", " + y);
      }
    }
  }

  @Test
  void languageModelOfBytes() throws IOException {
    String json =
        """
        {"model_type": "lm", "input_size": 30, "channels": 8, "dim_k": 5, "nhead": 2, "depth": 3,
         "dim_ff": 7, "num_tokens": 256, "causal": true}""";
    Path model = model(json);
    BufferedImage image = drawn("--model", model, "--text", "shorter than n");
    assertGrid(2, 3, image);
    assertGrid(2, 1, drawn("--model", model, "--text", "shorter than n", "--layer", 2));
    // A masked model has one token more.
    Path masked = model(json.replace("256", "257").replace("true", "false"));
    assertGrid(2, 3, drawn("--model", masked, "--text", "shorter than n"));
    Cli tooLong =
        Cli.run(
            "visualize",
            "--model",
            model,
            "--out",
            folder.resolve("x.png"),
            "--text",
            "x".repeat(31));
    assertEquals(2, tooLong.code());
    assertTrue(tooLong.err().contains("with at most [b, 30], given were 31 values"), tooLong::err);
    Cli other =
        Cli.run(
            "visualize",
            "--model",
            model(json.replace("256", "77")),
            "--out",
            folder.resolve("x.png"),
            "--text",
            "x");
    assertEquals(2, other.code());
    assertTrue(other.err().contains("--text: num_tokens = 77 belongs to no tokenizer"), other::err);
  }

  @Test
  void encoderDecoderNeedsItsSource() throws IOException {
    Path model =
        model(
            """
            {"model_type": "encdec", "enc_input_size": 6, "dec_input_size": 6, "enc_channels": 4,
             "dec_channels": 4, "enc_dim_k": 3, "dec_dim_k": 3, "enc_num_tokens": 11,
             "dec_num_tokens": 13, "enc_depth": 1, "dec_depth": 1, "enc_dim_ff": 5, "dec_dim_ff": 5,
             "dec_parameter_sharing": "none"}""");
    Path tokens = Fixtures.ints(folder.resolve("t.npy"), "(1, 6)", 1, 2, 3, 4, 5, 6);
    // The encoder's, the decoder's of itself and to the source, with four heads each.
    assertGrid(4, 3, drawn("--model", model, "--input", tokens, "--source", tokens));
    Cli without =
        Cli.run("visualize", "--model", model, "--input", tokens, "--out", folder.resolve("x.png"));
    assertEquals(2, without.code());
    assertTrue(without.err().contains("takes a source; give it with --source"), without::err);
  }
}
