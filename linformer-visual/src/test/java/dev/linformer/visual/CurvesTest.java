package dev.linformer.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.awt.image.BufferedImage;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class CurvesTest {

  /** Colours in the middle of a picture, where only curves are. */
  private static int colours(BufferedImage image) {
    Set<Integer> colours = new HashSet<>();
    for (int y = 40; y < 280; y++) {
      colours.add(image.getRGB(350, y));
    }
    return colours.size();
  }

  @Test
  void growsWithItsPoints() {
    Curves curves = new Curves("step", "loss, nats").size(701, 401).add("a", 1, 3).add("a", 5, 2);
    BufferedImage one = curves.draw();
    assertEquals(701, one.getWidth());
    assertEquals(401, one.getHeight());
    curves.add("b", 1, 1).add("b", 5, 2.5);
    assertEquals(List.of("a", "b"), curves.names());
    BufferedImage two = curves.draw();
    assertTrue(colours(two) > colours(one), colours(two) + " after " + colours(one));
  }

  @Test
  void drawsMeasurementsAtAFewSizes() {
    Curves curves = new Curves("n", "ms").logarithmic().title("time").add("a", 256, 3.5);
    assertEquals(900, curves.add("a", 65536, 3500).draw().getWidth());
  }

  @Test
  void cutsNoNameOff() {
    Curves curves = new Curves("step", "loss");
    for (int i = 0; i < 7; i++) {
      curves.add("a name of many letters " + i, 0, i).add("a name of many letters " + i, 1, i + 2);
      BufferedImage image = curves.draw();
      for (int y = 0; y < image.getHeight(); y++) {
        assertEquals(0xffffffff, image.getRGB(image.getWidth() - 1, y), "curves: " + (i + 1));
      }
    }
  }

  @Test
  void refuses() {
    refused("there is no curve to draw", () -> new Curves("x", "y").draw());
    refused(
        "a: the point (1.0, NaN) can't be drawn",
        () -> new Curves("x", "y").add("a", 1, Double.NaN));
    refused(
        "a: the point (0.0, 1.0) can't be drawn on logarithmic axes",
        () -> new Curves("x", "y").logarithmic().add("a", 0, 1));
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(InvalidInputException.class, call).getMessage());
  }
}
