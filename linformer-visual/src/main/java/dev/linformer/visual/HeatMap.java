package dev.linformer.visual;

import dev.linformer.io.InvalidInputException;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;

/**
 * A matrix in colours, its first row on top. An axis says which rows or columns it covers:
 * "position, 0 to 31".
 *
 * <pre>{@code
 * float[][] values = {{0.2f, 0.8f}, {0.6f, 0.4f}}; // [rows,columns]
 * HeatMap map = new HeatMap("head 0", "position", "compressed position", values);
 * BufferedImage picture = HeatMap.draw(List.of(List.of(map)));
 * }</pre>
 */
public final class HeatMap {

  private static final int WIDTH = 340;
  private static final int HEIGHT = 300;
  private static final int LABELS = 5;
  private static final Color[] FROM_ZERO = {Color.WHITE, new Color(0x2166AC), new Color(0x05143C)};
  private static final Color[] AROUND_ZERO = {
    new Color(0x2166AC), Color.WHITE, new Color(0xB2182B)
  };

  private final String title;
  private final String rowAxis;
  private final String columnAxis;
  private final float[][] values;

  /**
   * Keeps the matrix itself.
   *
   * @param title above it
   * @param rowAxis what a row is; which ones there are, the picture says
   * @param columnAxis what a column is
   * @param values rows of the same width
   * @throws InvalidInputException if there are none, or of different widths
   */
  public HeatMap(String title, String rowAxis, String columnAxis, float[][] values) {
    if (values.length == 0 || values[0].length == 0) {
      throw new InvalidInputException("%s: a matrix without values".formatted(title));
    }
    for (float[] row : values) {
      if (row.length != values[0].length) {
        throw new InvalidInputException("%s: rows of different widths".formatted(title));
      }
    }
    this.title = title;
    this.rowAxis = rowAxis;
    this.columnAxis = columnAxis;
    this.values = values;
  }

  /** The words beside the rows. */
  String rowAxis() {
    return axis(rowAxis, values.length);
  }

  /** The words below the columns. */
  String columnAxis() {
    return axis(columnAxis, values[0].length);
  }

  private static String axis(String what, int count) {
    return count == 1 ? what + " 0" : "%s, 0 to %s".formatted(what, count - 1);
  }

  /**
   * Pictures side by side, all in the same colours: from 0 to the largest value, or, if one is
   * below 0, from that of largest size with a minus to that with a plus.
   *
   * @param grid rows of pictures, at least one picture
   * @return an image with all of them
   * @throws InvalidInputException if there is none, or a value is NaN or infinite
   */
  public static BufferedImage draw(List<List<HeatMap>> grid) {
    int columns = grid.stream().mapToInt(List::size).max().orElse(0);
    if (columns == 0) {
      throw new InvalidInputException("there is nothing to draw");
    }
    List<HeatMap> all = grid.stream().flatMap(List::stream).toList();
    double largest = rounded(all.stream().mapToDouble(HeatMap::largest).max().orElseThrow());
    boolean signed = all.stream().anyMatch(HeatMap::isSigned);
    BufferedImage image =
        new BufferedImage(columns * WIDTH, grid.size() * HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D canvas = image.createGraphics();
    canvas.setColor(Color.WHITE);
    canvas.fillRect(0, 0, image.getWidth(), image.getHeight());
    for (int row = 0; row < grid.size(); row++) {
      for (int column = 0; column < grid.get(row).size(); column++) {
        BufferedImage panel = grid.get(row).get(column).draw(largest, signed);
        canvas.drawImage(panel, column * WIDTH, row * HEIGHT, null);
      }
    }
    canvas.dispose();
    return image;
  }

  /** Up to two digits, so that the legend has a short number. */
  private static double rounded(double largest) {
    if (largest == 0) {
      return 1;
    }
    return new BigDecimal(largest).round(new MathContext(2, RoundingMode.CEILING)).doubleValue();
  }

  private double largest() {
    double largest = 0;
    for (float[] row : values) {
      for (float value : row) {
        if (!Float.isFinite(value)) {
          throw new InvalidInputException("%s: a value is %s".formatted(title, value));
        }
        largest = Math.max(largest, Math.abs(value));
      }
    }
    return largest;
  }

  private boolean isSigned() {
    for (float[] row : values) {
      for (float value : row) {
        if (value < 0) {
          return true;
        }
      }
    }
    return false;
  }

  private BufferedImage draw(double largest, boolean signed) {
    HeatMapChart chart =
        new HeatMapChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(columnAxis())
            .yAxisTitle(rowAxis())
            .build();
    int rows = values.length;
    int columns = values[0].length;
    List<Number[]> cells = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        cells.add(new Number[] {column, rows - 1 - row, values[row][column]});
      }
    }
    chart.addSeries(
        title,
        IntStream.range(0, columns).boxed().toList(),
        IntStream.range(0, rows).mapToObj(row -> rows - 1 - row).toList(), // the axis goes up
        cells);
    var style = chart.getStyler();
    style.setMin(signed ? -largest : 0).setMax(largest);
    style.setRangeColors(signed ? AROUND_ZERO : FROM_ZERO);
    style.setGradientColorColumnWeight(16);
    style.setPlotContentSize(1);
    style.setXAxisMaxLabelCount(LABELS);
    style.setYAxisTickMarkSpacingHint(HEIGHT / LABELS);
    style.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
    style.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    style.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 13));
    style.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
    style.setLegendBorderColor(Color.WHITE);
    style.setLegendPadding(4);
    style.setChartBackgroundColor(Color.WHITE);
    return BitmapEncoder.getBufferedImage(chart);
  }
}
