package dev.linformer.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.linformer.model.InvalidInputException;
import dev.linformer.model.weights.WholeFile;
import java.awt.Color;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code linformer plot}: curves of trainings as a picture. */
@Command(
    name = "plot",
    description = "Draws a value of one or more trainings' log.jsonl over the steps, as PNG.",
    mixinStandardHelpOptions = true)
final class PlotCommand implements Callable<Integer> {

  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = "--log",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description = "Logs of trainings; each curve has the name of the log's folder.")
  private List<Path> logs = List.of();

  @Option(names = "--out", required = true, description = "The picture, a .png file.")
  private Path out = Path.of("");

  @Option(
      names = "--key",
      description = "What is drawn: ${DEFAULT-VALUE} unless given, or eval_loss, accuracy, ….")
  private String key = "loss";

  @Option(
      names = "--mean",
      description = "Values in a row that a point is the mean of; ${DEFAULT-VALUE} unless given.")
  private int mean = 1;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    if (mean < 1) {
      throw new InvalidInputException("--mean %d, but at least 1 is expected".formatted(mean));
    }
    if (!out.toString().endsWith(".png")) {
      throw new InvalidInputException(
          "--out %s: a name that ends in .png is expected".formatted(out));
    }
    Path parent = out.toAbsolutePath().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new InvalidInputException("--out %s: no folder %s".formatted(out, parent));
    }
    XYChart chart =
        new XYChartBuilder().width(900).height(560).xAxisTitle("step").yAxisTitle(key).build();
    chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNE);
    chart.getStyler().setMarkerSize(0);
    chart.getStyler().setXAxisDecimalPattern("#,###");
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    for (Path log : logs) {
      draw(chart, log);
    }
    ByteArrayOutputStream png = new ByteArrayOutputStream();
    ImageIO.write(BitmapEncoder.getBufferedImage(chart), "png", png);
    WholeFile.write(out, png.toByteArray());
    spec.commandLine().getOut().println("wrote " + out);
    return 0;
  }

  private void draw(XYChart chart, Path log) throws IOException {
    List<Double> steps = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    read(log, steps, values);
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (int from = 0; from < steps.size(); from += mean) {
      int to = Math.min(steps.size(), from + mean);
      x.add(steps.get(to - 1));
      y.add(average(values.subList(from, to)));
    }
    Path folder = log.toAbsolutePath().normalize().getParent();
    String name =
        folder == null || folder.getFileName() == null ? "" : folder.getFileName().toString();
    while (chart.getSeriesMap().containsKey(name)) {
      name += "'";
    }
    chart.addSeries(name, x, y).setMarker(SeriesMarkers.NONE);
  }

  private void read(Path log, List<Double> steps, List<Double> values) throws IOException {
    if (!Files.isRegularFile(log)) {
      throw new InvalidInputException("--log %s: no such file".formatted(log));
    }
    try (BufferedReader lines = Files.newBufferedReader(log)) {
      int number = 1;
      for (String line = lines.readLine(); line != null; line = lines.readLine(), number++) {
        JsonNode node = parse(log, number, line);
        if (node.path("step").isNumber() && node.path(key).isNumber()) {
          steps.add(node.path("step").doubleValue());
          values.add(node.path(key).doubleValue());
        }
      }
    } catch (MalformedInputException e) {
      throw new InvalidInputException("--log %s: no log of JSON lines".formatted(log), e);
    }
    if (steps.isEmpty()) {
      throw new InvalidInputException("--log %s: no line with step and %s".formatted(log, key));
    }
  }

  private static JsonNode parse(Path log, int number, String line) {
    try {
      return JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          "--log %s, line %d: not valid JSON".formatted(log, number), e);
    }
  }

  private static double average(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
