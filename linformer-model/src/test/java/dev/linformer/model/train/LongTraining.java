package dev.linformer.model.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.Pointer;

/**
 * A training of 2,500 steps that prints the process's resident memory in kB every 500, and at its
 * end the most native objects that were held after any step.
 */
final class LongTraining {

  static final int EVERY = 500;
  static final int TIMES = 5;

  private LongTraining() {}

  public static void main(String[] args) throws IOException {
    TrainerConfig config = Tiny.trainer(EVERY * TIMES, EVERY * TIMES + 1, 1);
    Memory memory = new Memory();
    try (Trainer trainer =
        Trainer.start(Tiny.model(0.1), Tiny.OBJECTIVE, config, Path.of(args[0]))) {
      trainer.train(Tiny.data(1), memory);
    }
    System.out.println("pointers " + memory.mostPointers);
  }

  private static final class Memory implements TrainingListener {
    private long mostPointers;

    @Override
    public void onStep(StepReport report) {
      mostPointers = Math.max(mostPointers, Pointer.totalCount());
      if (report.step() % EVERY == 0) {
        System.gc();
        System.out.println("resident " + resident());
      }
    }

    private static long resident() {
      try (var lines = Files.lines(Path.of("/proc/self/status"))) {
        String line = lines.filter(each -> each.startsWith("VmRSS:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
