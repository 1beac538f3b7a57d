package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that exports again and again is killed at any moment. */
class KilledExportTest {

  private static final int KILLS = 8;

  /** Exports two models in turn until it is killed. */
  static final class Exporting {
    private Exporting() {}

    public static void main(String[] arguments) throws IOException {
      for (int i = 0; ; i++) {
        ModelDirectory model = ModelDirectory.open(Path.of(arguments[i % 2]));
        ModelExporter.export(model, Path.of(arguments[2]));
      }
    }
  }

  @Test
  void leavesWholeVersionsOnly(@TempDir Path folder) throws Exception {
    Path one = Models.save(Models.encoder(ParameterSharing.NONE), 1, folder.resolve("one")).path();
    Path two = Models.save(Models.encoder(ParameterSharing.NONE), 2, folder.resolve("two")).path();
    Path out = folder.resolve("export");
    ModelExporter.export(ModelDirectory.open(one), out);
    float[] x = Models.vectors(1, 0);
    float[] ofOne = run(one, x);
    float[] ofTwo = run(two, x);
    Random random = new Random(3);
    long before = 1;
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start(one, two, out);
      try {
        long known = before;
        // At least one export of it first; then any moment of one of the next.
        while (highest(out) == known && process.isAlive()) {
          Thread.sleep(5);
        }
        Thread.sleep(random.nextInt(300));
        assertTrue(process.isAlive(), "it ended by itself");
      } finally {
        process.destroyForcibly();
        process.waitFor(1, TimeUnit.MINUTES);
      }
      long highest = highest(out);
      assertTrue(highest > before);
      for (long version = before; version <= highest; version++) {
        try (ExportedLinformer exported =
            ExportedLinformer.load(out.resolve(Long.toString(version)))) {
          float[] y = exported.encode(x);
          Close.assertClose("either", Close.difference(ofOne, y) <= Close.LIMIT ? ofOne : ofTwo, y);
        }
      }
      before = highest;
    }
  }

  private static long highest(Path out) throws IOException {
    return VersionFolder.highest(out)
        .map(version -> Long.parseLong(version.getFileName().toString()))
        .orElse(0L);
  }

  private static float[] run(Path model, float[] x) throws IOException {
    try (InferenceGraph live = InferenceGraph.load(ModelDirectory.open(model))) {
      return Models.run(live, x);
    }
  }

  private static Process start(Path one, Path two, Path out) throws IOException {
    Path log = Files.createTempFile(out.getParent(), "child", ".log");
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
                "-cp",
                System.getProperty("java.class.path"),
                Exporting.class.getName(),
                one.toString(),
                two.toString(),
                out.toString()))
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }
}
