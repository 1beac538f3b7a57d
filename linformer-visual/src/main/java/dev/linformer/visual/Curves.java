package dev.linformer.visual;

import dev.linformer.io.InvalidInputException;
import java.awt.Color;
import java.awt.font.FontRenderContext;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Curves over a common axis, to be drawn as often as one likes. For one thread.
 *
 * <pre>{@code
 * Curves curves = new Curves("step", "loss").title("Training");
 * curves.add("AdamW", 1, 2.3).add("AdamW", 2, 1.9);
 * BufferedImage picture = curves.draw();
 * }</pre>
 */
public final class Curves {

  private static final int WIDTH = 900;
  private static final int HEIGHT = 560;

  private final String xAxis;
  private final String yAxis;
  private final Map<String, List<double[]>> curves = new LinkedHashMap<>();
  private String title = "";
  private int width = WIDTH;
  private int height = HEIGHT;
  private boolean logarithmic;
  private boolean marked;

  /**
   * @param xAxis what goes to the right, with its unit
   * @param yAxis what goes up, with its unit
   */
  public Curves(String xAxis, String yAxis) {
    this.xAxis = xAxis;
    this.yAxis = yAxis;
  }

  /**
   * Sets a line above the picture; none unless set.
   *
   * @return these curves
   */
  public Curves title(String text) {
    title = text;
    return this;
  }

  /**
   * Sets the size of the picture.
   *
   * @param across pixels; 900 unless set
   * @param up pixels; 560 unless set
   * @return these curves
   */
  public Curves size(int across, int up) {
    width = across;
    height = up;
    return this;
  }

  /** Both axes go in powers of ten, and points are marked: for measurements at a few sizes. */
  public Curves logarithmic() {
    logarithmic = true;
    marked = true;
    return this;
  }

  /** Points are marked. */
  public Curves marked() {
    marked = true;
    return this;
  }

  /**
   * One point more of a curve, which the first point begins.
   *
   * @param curve its name, for the legend
   * @param x to the right, above 0 on logarithmic axes
   * @param y up, above 0 on logarithmic axes
   * @return these curves
   * @throws InvalidInputException if a number is infinite or none, or below 0 on a logarithmic axis
   */
  public Curves add(String curve, double x, double y) {
    if (!Double.isFinite(x) || !Double.isFinite(y) || (logarithmic && (x <= 0 || y <= 0))) {
      throw new InvalidInputException(
          "%s: the point (%s, %s) can't be drawn%s"
              .formatted(curve, x, y, logarithmic ? " on logarithmic axes" : ""));
    }
    curves.computeIfAbsent(curve, name -> new ArrayList<>()).add(new double[] {x, y});
    return this;
  }

  /** The names of the curves so far. */
  public List<String> names() {
    return List.copyOf(curves.keySet());
  }

  /**
   * Draws all curves.
   *
   * @throws InvalidInputException if there is none
   */
  public BufferedImage draw() {
    if (curves.isEmpty()) {
      throw new InvalidInputException("there is no curve to draw");
    }
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle(xAxis)
            .yAxisTitle(yAxis)
            .build();
    var style = chart.getStyler();
    // Where it covers no curve: below in one line, if that holds it.
    boolean below = legendWidth(style) < width;
    style.setLegendPosition(
        below ? Styler.LegendPosition.OutsideS : Styler.LegendPosition.OutsideE);
    style.setLegendLayout(below ? Styler.LegendLayout.Horizontal : Styler.LegendLayout.Vertical);
    style.setLegendBorderColor(Color.WHITE);
    style.setLegendVisible(curves.size() > 1 || title.isEmpty());
    style.setLocale(Locale.ROOT);
    style.setMarkerSize(marked ? 7 : 0);
    style.setXAxisDecimalPattern("#,##0.######");
    style.setYAxisDecimalPattern("#,##0.######");
    style.setXAxisLogarithmic(logarithmic);
    style.setYAxisLogarithmic(logarithmic);
    style.setChartBackgroundColor(Color.WHITE);
    curves.forEach(
        (name, points) -> {
          var series =
              chart.addSeries(
                  name,
                  points.stream().map(point -> point[0]).toList(),
                  points.stream().map(point -> point[1]).toList());
          series.setMarker(marked ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
        });
    return BitmapEncoder.getBufferedImage(chart);
  }

  /** Pixels of all names beside each other. */
  private double legendWidth(Styler style) {
    var measures = new FontRenderContext(null, true, true);
    int around = style.getLegendSeriesLineLength() + 3 * style.getLegendPadding();
    return curves.keySet().stream()
        .mapToDouble(
            name -> around + style.getLegendFont().getStringBounds(name, measures).getWidth())
        .sum();
  }
}
