package dev.linformer.model.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.JsonLines;
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
final class RunLog implements TrainingListener, Closeable {

  private final BufferedWriter out;
  private final long start = System.nanoTime();

  /**
   * Goes on with a log, or begins one.
   *
   * @param step where the training stands: lines of later steps, which a crash has lost, are cut
   * @throws dev.linformer.io.InvalidInputException if a line before them isn't JSON, with its
   *     number
   */
  static RunLog open(Path file, int step) throws IOException {
    if (Files.exists(file)) {
      AtomicFile.write(file, channel -> copy(file, step, channel));
    }
    return new RunLog(
        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  private RunLog(BufferedWriter out) {
    this.out = out;
  }

  private static void copy(Path file, int step, FileChannel channel) throws IOException {
    JsonLines.read(
        file.toString(),
        file,
        (text, json) -> {
          JsonNode number = json.path("step");
          boolean lost = !number.isInt() || number.intValue() > step;
          ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
          while (!lost && bytes.hasRemaining()) {
            channel.write(bytes);
          }
          return !lost;
        });
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
