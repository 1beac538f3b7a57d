package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.ndarray.Shape;

class ModelExporterTest {

  private static final ModelConfig CONFIG = Models.encoder(ParameterSharing.LAYERWISE);

  @Test
  void addsAVersionToOlderOnes(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("export");
    Path first = ModelExporter.export(Models.save(CONFIG, 1, folder.resolve("old")), out);
    assertEquals(out.resolve("1"), first);
    float[] old = encoded(first);
    ModelDirectory model = Models.save(CONFIG, 2, folder.resolve("new"));
    Files.createDirectory(out.resolve("7")); // of somebody who numbers by himself
    assertEquals(out.resolve("8"), ModelExporter.export(model, out));
    try (InferenceGraph live = InferenceGraph.load(model)) {
      assertArrayEquals(Models.run(live, Models.vectors(1, 0)), encoded(out));
    }
    assertArrayEquals(old, encoded(first));
    assertTrue(Math.abs(old[0] - encoded(out)[0]) > 1e-6, "the two models are the same");
    assertEquals(Set.of("1", "7", "8"), names(out));
  }

  @Test
  void threadsTakeDifferentNumbers(@TempDir Path folder) throws Exception {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path out = folder.resolve("export");
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Path>> exports = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        exports.add(pool.submit(() -> ModelExporter.export(model, out)));
      }
      Set<Path> taken = new HashSet<>();
      for (Future<Path> each : exports) {
        taken.add(each.get());
      }
      assertEquals(8, taken.size());
      assertEquals(Set.of("1", "2", "3", "4", "5", "6", "7", "8"), names(out));
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void makesFoldersOnTheWay(@TempDir Path folder) throws IOException {
    Path out = folder.resolve("a/b/export");
    ModelExporter.export(Models.save(CONFIG, 1, folder.resolve("model")), out);
    assertEquals(Models.LENGTH * Models.CHANNELS, encoded(out).length);
  }

  @Test
  void writesWhatItSays(@TempDir Path folder) throws IOException {
    Path out = Files.createDirectory(folder.resolve("empty"));
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path version = ModelExporter.export(model, out);
    assertEquals(
        Set.of("saved_model.pb", "variables", "assets.extra", "README.md"), names(version));
    assertEquals(Set.of("config.json", "linformer.json"), names(version.resolve("assets.extra")));
    assertEquals(
        -1, Files.mismatch(model.configFile(), version.resolve("assets.extra/config.json")));
    try (ExportedLinformer exported = ExportedLinformer.load(out)) {
      assertEquals(CONFIG, exported.config());
      assertEquals(Digests.of(model.weightsFile()), exported.weightsDigest());
      assertTrue(exported.libraryVersion().matches("\\d+\\.\\d+\\.\\d+.*"));
      assertEquals(List.of("serving_default", "embeddings", "attention"), exported.signatures());
    }
  }

  @Test
  void refusesAFolderOfOtherThings(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    refused(
        model,
        model.path(),
        "holds other things than versions: config.json, model.safetensors; name a new or empty folder");
    Path version = ModelExporter.export(model, folder.resolve("export"));
    refused(model, version, version + " is a SavedModel; name a folder for versions");
    assertEquals(Set.of("config.json", "model.safetensors"), names(model.path()));
    assertEquals(Set.of("model", "export"), names(folder));
  }

  @Test
  void refusesWhatTheModelDoesNotHave(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path out = folder.resolve("export");
    ExportOptions options = ExportOptions.savedModel();
    refused(
        () -> ModelExporter.export(model, out, options.withSignatures(SignatureName.DECODE)),
        "signature decode: only a language model (model_type lm) or encoder-decoder (encdec) with"
            + " causal = true, without full_attention, goes step by step; found model_type linf");
    refused(
        () -> ModelExporter.export(model, out, options.withSignatures(SignatureName.ENCODE)),
        "signature encode: only a model with a source whose decoder has causal = true, without"
            + " full_attention, has a use for it; found model_type linformer");
    ModelDirectory both = save("encoder and decoder", folder.resolve("both"));
    refused(
        () -> ModelExporter.export(both, out, options.withSignatures(SignatureName.DECODE)),
        "signature decode: a model with a source has encode and decode together; ask for both");
    refused(
        () -> ModelExporter.export(both, out, options.withSignatures(SignatureName.ENCODE)),
        "signature encode: a model with a source has encode and decode together; ask for both");
    ModelDirectory causal = save("causal language model, KV", folder.resolve("causal"));
    refused(
        () ->
            ModelExporter.export(
                causal, out, options.withSignatures(SignatureName.ENCODE, SignatureName.DECODE)),
        "signature encode: only a model with a source");
    refused(
        () -> ModelExporter.export(model, out, options.withAttentionLayers(Set.of(2))),
        "attention of layer 2, but 0 to depth - 1 = 1 is expected");
    refused(() -> SignatureName.of("serve"), "signature serve, but one of serving_default, ");
    refused(() -> ExportFormat.of("coreml"), "format coreml, but one of savedmodel, frozen, ");
    refused(
        () -> StoragePrecision.of("int8"), "precision int8, but float32 is expected, or bfloat16");
    assertEquals(StoragePrecision.BFLOAT16, StoragePrecision.of("bfloat16"));
    assertEquals(StoragePrecision.BFLOAT16, StoragePrecision.of("bf16"));
    assertEquals("bfloat16", StoragePrecision.BFLOAT16.key());
    assertFalse(Files.exists(out));
  }

  /** linformer-pytorch's triangle lets every position see the future, so no step is possible. */
  @Test
  void refusesToDecodeWithTheLeakingTriangle(@TempDir Path folder) throws IOException {
    LinformerEncDecConfig causal = ModelZoo.encoderDecoder(null, ModelZoo.stack());
    LinformerLMConfig decoder = causal.decoder();
    LinformerLMConfig leaking =
        ModelZoo.languageModel(
            ModelZoo.stack().decoderMode(true).leakingTriangle(true).build(), decoder.positions());
    ModelDirectory model =
        Models.save(
            new LinformerEncDecConfig(causal.encoder(), leaking), 1, folder.resolve("model"));
    refused(
        () ->
            ModelExporter.export(
                model,
                folder.resolve("export"),
                ExportOptions.savedModel()
                    .withSignatures(SignatureName.ENCODE, SignatureName.DECODE)),
        "goes step by step; found model_type encdec");
  }

  private static ModelDirectory save(String name, Path folder) throws IOException {
    return Models.save(Objects.requireNonNull(ModelZoo.all().get(name)), 1, folder);
  }

  @Test
  void holdsTheSignaturesAndLayersThatAreAskedFor(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    ExportOptions options =
        ExportOptions.savedModel()
            .withSignatures(SignatureName.ATTENTION)
            .withAttentionLayers(Set.of(1));
    Path version = ModelExporter.export(model, folder.resolve("export"), options);
    try (ExportedLinformer exported = ExportedLinformer.load(version)) {
      assertEquals(List.of("attention"), exported.signatures());
      SignatureOutputs answer =
          exported.request(SignatureName.ATTENTION).with("inputs", Models.vectors(2, 1)).run();
      assertEquals(Set.of("attention_1"), answer.names());
      assertEquals(Shape.of(2, 3, Models.LENGTH, 7), answer.shape("attention_1"));
      refused(
          () -> exported.request(SignatureName.SERVING_DEFAULT),
          "has no signature serving_default, but attention; export it with --signatures");
    }
  }

  /** 8 bits of the weights are left, in half the bytes. */
  @Test
  void storesWeightsInHalfTheBytes(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path full = ModelExporter.export(model, folder.resolve("full"));
    Path half =
        ModelExporter.export(
            model,
            folder.resolve("half"),
            ExportOptions.savedModel().withPrecision(StoragePrecision.BFLOAT16));
    String data = "variables/variables.data-00000-of-00001";
    assertEquals(Files.size(full.resolve(data)), 2 * Files.size(half.resolve(data)));
    double difference = Close.difference(encoded(full), encoded(half));
    assertTrue(difference <= 1e-2, "differs by " + difference);
    assertTrue(difference > 1e-5, "nothing was rounded");
  }

  @Test
  void refusesAFile(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path file = Files.writeString(folder.resolve("file"), "content");
    refused(model, file, "is a file; name a folder");
    refused(model, file.resolve("below"), "cannot write there");
    assertEquals("content", Files.readString(file));
    assertEquals(Set.of("model", "file"), names(folder));
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void saysWhereItCannotWrite(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    for (Path out : List.of(Path.of("/proc/saved_model"), Path.of("/proc/a/saved_model"))) {
      refused(model, out, out + ": cannot write there (");
    }
  }

  @Test
  void leavesTheOlderSavedModelWhenItFails(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path saved = folder.resolve("export");
    ModelExporter.export(model, saved);
    float[] before = encoded(saved);
    try (FileChannel weights = FileChannel.open(model.weightsFile(), StandardOpenOption.WRITE)) {
      weights.truncate(weights.size() - 1);
    }
    refused(model, saved, "truncated");
    assertArrayEquals(before, encoded(saved));
    Path other = folder.resolve("other/saved_model");
    refused(model, other, "truncated");
    assertFalse(Files.exists(other.getParent()));
    assertEquals(Set.of("model", "export"), names(folder));
    assertEquals(Set.of("1"), names(saved));
  }

  private static float[] encoded(Path saved) {
    try (ExportedLinformer exported = ExportedLinformer.load(saved)) {
      return exported.encode(Models.vectors(1, 0));
    }
  }

  private static Set<String> names(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  private static void refused(ModelDirectory model, Path out, String message) {
    refused(() -> ModelExporter.export(model, out), message);
  }

  private static void refused(Executable call, String message) {
    String found = String.valueOf(assertThrows(InvalidInputException.class, call).getMessage());
    assertTrue(found.contains(message), found);
  }
}
