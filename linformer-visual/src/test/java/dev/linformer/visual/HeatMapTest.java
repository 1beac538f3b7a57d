package dev.linformer.visual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class HeatMapTest {

  /** Where the upper left of a picture's cells is. */
  private static final int LEFT = 75;

  private static final int TOP = 50;
  private static final int RIGHT = 250;
  private static final int BOTTOM = 230;

  private static HeatMap map(float[][] values) {
    return new HeatMap("a title", "rows", "columns", values);
  }

  private static int brightness(BufferedImage image, int x, int y) {
    Color colour = new Color(image.getRGB(x, y));
    return colour.getRed() + colour.getGreen() + colour.getBlue();
  }

  /** The first row is on top, the first column on the left, and large is dark. */
  @Test
  void cornersHaveTheirPlaces() {
    float[][] values = {{0.9f, 0.6f}, {0.3f, 0}};
    BufferedImage image = HeatMap.draw(List.of(List.of(map(values))));
    int first = brightness(image, LEFT, TOP);
    int right = brightness(image, RIGHT, TOP);
    int below = brightness(image, LEFT, BOTTOM);
    int last = brightness(image, RIGHT, BOTTOM);
    assertTrue(
        first < right && right < below && below < last,
        "%s %s %s %s".formatted(first, right, below, last));
    assertEquals(3 * 255, last);
  }

  @Test
  void aSignHasItsColour() {
    BufferedImage image = HeatMap.draw(List.of(List.of(map(new float[][] {{-1, 1}}))));
    Color minus = new Color(image.getRGB(LEFT, TOP));
    Color plus = new Color(image.getRGB(RIGHT, TOP));
    assertTrue(minus.getBlue() > minus.getRed(), minus::toString);
    assertTrue(plus.getRed() > plus.getBlue(), plus::toString);
  }

  /** All pictures share their colours, so a faint one stays faint. */
  @Test
  void gridHasOneScale() {
    HeatMap strong = map(new float[][] {{1}});
    HeatMap faint = map(new float[][] {{0.1f}});
    BufferedImage image = HeatMap.draw(List.of(List.of(strong, faint), List.of(faint)));
    assertEquals(2 * 340, image.getWidth());
    assertEquals(2 * 300, image.getHeight());
    assertTrue(brightness(image, LEFT, TOP) < 150);
    assertTrue(brightness(image, LEFT + 340, TOP) > 600);
    assertEquals(3 * 255, brightness(image, LEFT + 340, TOP + 300), "there is no fourth picture");
  }

  @Test
  void axesSayWhatTheyCover() {
    HeatMap wide = new HeatMap("a title", "position", "compressed position", new float[32][128]);
    assertEquals("position, 0 to 31", wide.rowAxis());
    assertEquals("compressed position, 0 to 127", wide.columnAxis());
    assertEquals("rows 0", map(new float[1][2]).rowAxis());
  }

  @Test
  void onlyZerosAreDrawn() {
    BufferedImage image = HeatMap.draw(List.of(List.of(map(new float[3][2]))));
    assertEquals(3 * 255, brightness(image, LEFT, TOP));
  }

  @Test
  void refuses() {
    refused("a title: a matrix without values", () -> map(new float[0][0]));
    refused("a title: rows of different widths", () -> map(new float[][] {{1, 2}, {3}}));
    refused("there is nothing to draw", () -> HeatMap.draw(List.of()));
    refused(
        "a title: a value is NaN",
        () -> HeatMap.draw(List.of(List.of(map(new float[][] {{Float.NaN}})))));
  }

  private static void refused(String message, org.junit.jupiter.api.function.Executable call) {
    assertEquals(message, assertThrows(InvalidInputException.class, call).getMessage());
  }
}
