package dev.linformer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlotTest {

  @TempDir private Path folder = Path.of("");

  private Path log(String run, double slope) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int step = 1; step <= 50; step++) {
      lines.append("{\"step\":%s,\"loss\":%s}\n".formatted(step, 3 - slope * step));
    }
    Path of = Files.createDirectories(folder.resolve(run));
    return Files.writeString(of.resolve("log.jsonl"), lines + "{\"step\":50,\"eval_loss\":1}\n");
  }

  /** Colours in the middle of the picture, where only curves are. */
  private static int colours(Path picture) throws IOException {
    BufferedImage image = ImageIO.read(picture.toFile());
    assertEquals(900, image.getWidth());
    Set<Integer> colours = new HashSet<>();
    for (int y = 60; y < 480; y++) {
      colours.add(image.getRGB(450, y));
    }
    return colours.size();
  }

  @Test
  void drawsACurveALog() throws IOException {
    Path one = folder.resolve("one.png");
    Path two = folder.resolve("two.png");
    Cli.done("plot", "--log", log("a", 0.01), "--out", one);
    Cli.done("plot", "--log", log("a", 0.01), log("b", 0.02), "--mean", 5, "--out", two);
    assertTrue(colours(two) > colours(one), colours(two) + " after " + colours(one));
  }

  /** Above the frame and in the middle, where a title is. */
  private static boolean hasTitle(Path picture) throws IOException {
    BufferedImage image = ImageIO.read(picture.toFile());
    for (int x = 350; x < 550; x++) {
      for (int y = 0; y < 25; y++) {
        if ((image.getRGB(x, y) & 0xff) < 100) {
          return true;
        }
      }
    }
    return false;
  }

  @Test
  void hasATitle() throws IOException {
    Path log = log("a", 0.01);
    Path unless = folder.resolve("unless.png");
    Path given = folder.resolve("given.png");
    Path none = folder.resolve("none.png");
    Cli.done("plot", "--log", log, "--out", unless);
    Cli.done("plot", "--log", log, "--title", "Two ways of sharing", "--out", given);
    Cli.done("plot", "--log", log, "--title", "", "--out", none);
    assertTrue(hasTitle(unless));
    assertTrue(hasTitle(given));
    assertFalse(hasTitle(none));
    assertNotEquals(-1, Files.mismatch(unless, given));
  }

  /** A training that was killed while it wrote a line. */
  @Test
  void aLastLineThatWasCutIsLeftOut() throws IOException {
    Path log = log("a", 0.01);
    Path whole = folder.resolve("whole.png");
    Cli.done("plot", "--log", log, "--out", whole);
    Files.writeString(log, Files.readString(log) + "{\"step\":51,\"lo");
    Path cut = folder.resolve("cut.png");
    Cli.done("plot", "--log", log, "--out", cut);
    assertEquals(-1, Files.mismatch(whole, cut));
    Files.writeString(log, Files.readString(log) + "\n{\"step\":51,\"loss\":1}\n");
    refused("--log " + log + ", line 52: not valid JSON", "--log", log, "--out", cut);
  }

  /** A training that is not measured yet has no eval_loss. */
  @Test
  void aLogThatLacksTheKeyIsLeftOut() throws IOException {
    Path without = Files.createDirectories(folder.resolve("young")).resolve("log.jsonl");
    Files.writeString(without, "{\"step\":1,\"loss\":3,\"grad_norm\":1}\n");
    Path log = log("a", 0.01);
    Path one = folder.resolve("one.png");
    Cli.done("plot", "--log", log, "--key", "eval_loss", "--out", one);
    Path two = folder.resolve("two.png");
    Cli cli = Cli.run("plot", "--log", without, log, "--key", "eval_loss", "--out", two);
    assertEquals(0, cli.code(), cli::toString);
    assertEquals(
        "--log %s: no line with step and eval_loss; left out\n".formatted(without), cli.err());
    assertEquals(-1, Files.mismatch(one, two));
    refused(
        "--log %s %s: no line with step and speed; --key can be eval_loss, grad_norm, loss"
            .formatted(without, log),
        "--log",
        without,
        log,
        "--key",
        "speed",
        "--out",
        folder.resolve("x.png"));
    Path nothing = Files.writeString(folder.resolve("nothing.jsonl"), "{\"a\":1}\n[]\n7\n");
    refused(
        "--log %s: no line with step and loss; a training's log.jsonl is expected"
            .formatted(nothing),
        "--log",
        nothing,
        "--out",
        folder.resolve("x.png"));
  }

  @Test
  void refuses() throws IOException {
    Path log = log("a", 0.01);
    Path out = folder.resolve("x.png");
    refused("--log " + folder + "/none: no such file", "--log", folder + "/none", "--out", out);
    refused(
        "--log " + log + ": no line with step and speed",
        "--log",
        log,
        "--key",
        "speed",
        "--out",
        out);
    refused("--mean 0, but at least 1 is expected", "--log", log, "--mean", 0, "--out", out);
    refused("a name that ends in .png is expected", "--log", log, "--out", folder + "/x.jpg");
    refused("/none/x.png: no folder ", "--log", log, "--out", folder + "/none/x.png");
    Path text = Files.writeString(folder.resolve("text"), "{}\nno JSON\n");
    refused("--log " + text + ", line 2: not valid JSON", "--log", text, "--out", out);
    assertFalse(Files.exists(out));
  }

  private static void refused(String message, Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = "plot";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    Cli cli = Cli.run(all);
    assertEquals(2, cli.code(), cli::toString);
    assertTrue(cli.err().contains(message), cli::err);
  }
}
