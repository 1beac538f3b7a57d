package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.ComputePrecision;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Exports of one model are the same bytes: those of two processes, since TensorFlow and Java order
 * what has no order anew in each, and those of one after the other.
 */
class SameBytesTest {

  private static final ExportFormat[] OTHERS = {
    ExportFormat.FROZEN, ExportFormat.TFLITE_READY, ExportFormat.TFJS, ExportFormat.ONNX
  };

  @TempDir private static Path folder = Path.of("");

  private static Map<String, ModelConfig> models() {
    Map<String, ModelConfig> models = new LinkedHashMap<>();
    models.put("classifier", Models.classifier(Pooling.MEAN));
    for (String name :
        List.of("causal language model, KV", "encoder and decoder", "encoder, CONVOLUTION")) {
      models.put(name, Objects.requireNonNull(ModelZoo.all().get(name)));
    }
    models.put("bfloat16", ModelZoo.stack().precision(ComputePrecision.BF16).build());
    return models;
  }

  /** Exports each model in a folder, in every format, twice. */
  static final class Exporting {
    private Exporting() {}

    public static void main(String[] arguments) throws IOException {
      Path models = Path.of(arguments[0]);
      for (String name : models().keySet()) {
        ModelDirectory model = ModelDirectory.open(models.resolve(name));
        Path out = Path.of(arguments[1]).resolve(name);
        ExportOptions options = ExportOptions.savedModel().withLengths(Lengths.ANY);
        if (name.equals("encoder and decoder")) {
          options =
              options.withSignatures(
                  SignatureName.SERVING_DEFAULT,
                  SignatureName.ATTENTION,
                  SignatureName.ENCODE,
                  SignatureName.DECODE);
        }
        for (int i = 0; i < 2; i++) {
          ModelExporter.export(
              model, out.resolve("all"), options.withFormats(ExportFormat.SAVEDMODEL, OTHERS));
          ModelExporter.export(
              model, out.resolve("half"), options.withPrecision(StoragePrecision.BFLOAT16));
        }
      }
    }
  }

  @BeforeAll
  static void export() throws IOException {
    Path models = folder.resolve("models");
    for (var each : models().entrySet()) {
      Models.save(each.getValue(), 1, models.resolve(each.getKey()));
    }
    for (String process : List.of("one", "two")) {
      List<String> command =
          List.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx512m",
              "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
              "-cp",
              System.getProperty("java.class.path"),
              Exporting.class.getName(),
              models.toString(),
              folder.resolve(process).toString());
      Commands.run(command, Duration.ofMinutes(10), Map.of());
    }
  }

  @Test
  void inEveryFormatOfTwoProcesses() throws IOException {
    assertSame(folder.resolve("one"), folder.resolve("two"));
  }

  @Test
  void oneAfterTheOther() throws IOException {
    for (String model : models().keySet()) {
      for (String kind : List.of("all", "half")) {
        Path versions = folder.resolve("one").resolve(model).resolve(kind);
        assertSame(versions.resolve("1"), versions.resolve("2"));
      }
    }
  }

  private static void assertSame(Path one, Path two) throws IOException {
    Set<String> files = files(one);
    assertTrue(files.stream().anyMatch(file -> file.endsWith("saved_model.pb")), files::toString);
    assertEquals(files, files(two));
    List<String> different = new ArrayList<>();
    for (String file : files) {
      if (Files.mismatch(one.resolve(file), two.resolve(file)) >= 0) {
        different.add(file);
      }
    }
    assertEquals(List.of(), different);
  }

  private static Set<String> files(Path folder) throws IOException {
    try (var all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
