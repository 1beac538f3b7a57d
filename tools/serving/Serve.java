import com.sun.management.OperatingSystemMXBean;
import dev.linformer.export.ExportedLinformer;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.tensorflow.TensorFlow;

/** Calls an export from 8 threads of Java for some seconds: Serve EXPORT SECONDS. */
public class Serve {

  public static void main(String[] arguments) throws Exception {
    double seconds = Double.parseDouble(arguments[1]);
    long start = System.nanoTime();
    TensorFlow.version();
    long begin = System.nanoTime();
    System.out.printf(Locale.ROOT, "TensorFlow's natives %.2f s%n", (begin - start) / 1e9);
    double before = processorSeconds();
    try (var model = ExportedLinformer.load(Path.of(arguments[0]))) {
      int[] tokens = new int[(int) model.inputShape().get(1)];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = i % 16;
      }
      model.logits(tokens);
      System.out.printf(
          Locale.ROOT,
          "load and first answer %.2f s, %.2f s of the processors, after TensorFlow's natives%n",
          (System.nanoTime() - begin) / 1e9,
          processorSeconds() - before);
      call(model, tokens, 2);
      System.out.printf(Locale.ROOT, "%.0f calls/s%n", call(model, tokens, seconds));
    }
  }

  /** What the process has used of all cores; other programs have no part in it. */
  private static double processorSeconds() {
    var system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return system.getProcessCpuTime() / 1e9;
  }

  private static double call(ExportedLinformer model, int[] tokens, double seconds)
      throws InterruptedException {
    AtomicLong calls = new AtomicLong();
    long begin = System.nanoTime();
    long end = begin + (long) (seconds * 1e9);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Thread thread =
          new Thread(
              () -> {
                while (System.nanoTime() < end) {
                  model.logits(tokens);
                  calls.incrementAndGet();
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    return calls.get() / ((System.nanoTime() - begin) / 1e9);
  }
}
