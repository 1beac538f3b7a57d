package dev.linformer.model.train;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.SessionLog;
import org.tensorflow.proto.Summary;

/**
 * A training's scalars for TensorBoard: {@code loss}, {@code accuracy}, {@code learning_rate} and
 * {@code grad_norm} every so many steps, {@code eval/loss} and {@code eval/accuracy} at each
 * measurement. Each start of a training has a file of its own.
 *
 * <p>An event stands in a record of its length, a checksum of that, itself and a checksum:
 * TFRecord.
 */
final class EventLog implements TrainingListener, Closeable {

  private static final int MASK_DELTA = 0xa282ead8;

  private final OutputStream out;
  private final int every;

  /**
   * Begins a file {@code events.out.tfevents.…}.
   *
   * @param step where the training stands: TensorBoard forgets what other files say of later ones
   * @param every steps between events
   */
  static EventLog open(Path folder, int step, int every) throws IOException {
    Instant now = Instant.now();
    Path file =
        folder.resolve(
            String.format(
                Locale.ROOT,
                "events.out.tfevents.%d.%09d.linformer",
                now.getEpochSecond(),
                now.getNano()));
    EventLog log =
        new EventLog(
            new BufferedOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)),
            every);
    log.write(event(0).setFileVersion("brain.Event:2"));
    log.write(
        event(step + 1L)
            .setSessionLog(SessionLog.newBuilder().setStatus(SessionLog.SessionStatus.START)));
    return log;
  }

  private EventLog(OutputStream out, int every) {
    this.out = out;
    this.every = every;
  }

  @Override
  public void onStep(StepReport report) throws IOException {
    if (report.step() % every == 0 || report.step() == report.steps()) {
      write(
          event(report.step())
              .setSummary(
                  Summary.newBuilder()
                      .addValue(value("loss", report.loss()))
                      .addValue(value("accuracy", report.accuracy()))
                      .addValue(value("learning_rate", report.learningRate()))
                      .addValue(value("grad_norm", report.gradientNorm()))));
    }
  }

  @Override
  public void onEvaluation(int step, Evaluation evaluation) throws IOException {
    write(
        event(step)
            .setSummary(
                Summary.newBuilder()
                    .addValue(value("eval/loss", evaluation.loss()))
                    .addValue(value("eval/accuracy", evaluation.accuracy()))));
  }

  private static Event.Builder event(long step) {
    return Event.newBuilder().setWallTime(System.currentTimeMillis() / 1e3).setStep(step);
  }

  private static Summary.Value value(String tag, double value) {
    return Summary.Value.newBuilder().setTag(tag).setSimpleValue((float) value).build();
  }

  private void write(Event.Builder event) throws IOException {
    byte[] bytes = event.build().toByteArray();
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + bytes.length + 2 * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(bytes.length);
    record.putInt(checksum(record.array(), Long.BYTES));
    record.put(bytes).putInt(checksum(bytes, bytes.length));
    out.write(record.array());
    out.flush();
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
