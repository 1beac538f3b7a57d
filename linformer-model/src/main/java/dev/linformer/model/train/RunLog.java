package dev.linformer.model.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.linformer.io.InvalidInputException;
import dev.linformer.io.internal.AtomicFile;
import dev.linformer.io.internal.TextLines;
import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
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

  private static final int LONGEST = 1 << 20;

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final BufferedWriter out;
  private final long start = System.nanoTime();

  /**
   * Goes on with a log, or begins one.
   *
   * @param step where the training stands: lines of later steps, which a crash has lost, are cut
   * @throws InvalidInputException if a line before them isn't JSON, with its number
   */
  public static RunLog open(Path file, int step) throws IOException {
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
    read(
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

  /** Hears the lines of a log. */
  public interface Lines {
    /**
     * A line, as it stands there and as JSON.
     *
     * @return whether the next one is wanted, too
     */
    boolean line(String text, JsonNode json) throws IOException;
  }

  /**
   * Reads a log. A last line that a kill or a crash has cut is left out, and so are blank ones.
   *
   * @param source what to call the file in messages
   * @throws InvalidInputException if another line isn't JSON, with its number
   */
  public static void read(String source, Path file, Lines lines) throws IOException {
    // Not strict: what was cut may end within a character.
    try (Reader reader =
        new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8)) {
      TextLines all = new TextLines(source, reader, LONGEST);
      boolean wanted = true;
      for (String line = all.next(); line != null && wanted; line = all.next()) {
        String text = all.number() == 1 && line.startsWith("\ufeff") ? line.substring(1) : line;
        try {
          wanted = text.isBlank() || lines.line(text, JSON.readTree(text));
        } catch (JsonProcessingException e) {
          if (!all.complete()) {
            return;
          }
          throw new InvalidInputException(
              "%s, line %d: not valid JSON".formatted(source, all.number()), e);
        }
      }
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
