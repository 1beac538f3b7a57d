package dev.linformer.model.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.model.weights.WholeFile;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A training's log of JSON lines, one a step, and one a measurement on the validation examples.
 *
 * <p>A step's has {@code step}, {@code loss}, {@code accuracy}, {@code learning_rate}, {@code
 * grad_norm}, {@code tokens}, {@code waited}, the seconds in which no batch was ready, and {@code
 * seconds} since the training was started or resumed; a measurement's {@code step}, {@code
 * eval_loss}, {@code eval_accuracy} and {@code seconds}.
 */
public final class RunLog implements TrainingListener, Closeable {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final BufferedWriter out;
  private final long start = System.nanoTime();

  /**
   * Goes on with a log, or begins one.
   *
   * @param step where the training stands: lines of later steps, which a crash has lost, are cut
   */
  public static RunLog open(Path file, int step) throws IOException {
    if (Files.exists(file)) {
      WholeFile.write(file, channel -> copy(file, step, channel));
    }
    return new RunLog(
        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  private RunLog(BufferedWriter out) {
    this.out = out;
  }

  private static void copy(Path file, int step, FileChannel channel) throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine();
          line != null && stepOf(line) <= step;
          line = lines.readLine()) {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }
    }
  }

  /** A line that a crash has cut counts as one after all steps. */
  private static int stepOf(String line) {
    try {
      JsonNode node = JSON.readTree(line).path("step");
      return node.isInt() ? node.intValue() : Integer.MAX_VALUE;
    } catch (JsonProcessingException e) {
      return Integer.MAX_VALUE;
    }
  }

  @Override
  public void onStep(StepReport report) throws IOException {
    write(
        JsonNodeFactory.instance
            .objectNode()
            .put("step", report.step())
            .put("loss", report.loss())
            .put("accuracy", report.accuracy())
            .put("learning_rate", report.learningRate())
            .put("grad_norm", report.gradientNorm())
            .put("tokens", report.tokens())
            .put("waited", Math.round(report.waited() * 1e6) / 1e6));
  }

  @Override
  public void onEvaluation(int step, Evaluation evaluation) throws IOException {
    write(
        JsonNodeFactory.instance
            .objectNode()
            .put("step", step)
            .put("eval_loss", evaluation.loss())
            .put("eval_accuracy", evaluation.accuracy()));
  }

  private void write(ObjectNode line) throws IOException {
    double seconds = Math.round((System.nanoTime() - start) / 1e6) / 1e3;
    out.write(line.put("seconds", seconds).toString());
    out.write('\n');
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
