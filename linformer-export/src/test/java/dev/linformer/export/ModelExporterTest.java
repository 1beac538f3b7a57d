package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.InvalidInputException;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ModelExporterTest {

  private static final ModelConfig CONFIG = Models.encoder(ParameterSharing.LAYERWISE);

  @Test
  void replacesAnOlderSavedModel(@TempDir Path folder) throws IOException {
    Path saved = folder.resolve("saved_model");
    ModelExporter.export(Models.save(CONFIG, 1, folder.resolve("old")), saved);
    float[] old = encoded(saved);
    ModelDirectory model = Models.save(CONFIG, 2, folder.resolve("new"));
    ModelExporter.export(model, saved);
    float[] found = encoded(saved);
    try (InferenceGraph live = InferenceGraph.load(model)) {
      assertArrayEquals(Models.run(live, Models.vectors(1, 0)), found);
    }
    assertTrue(Math.abs(old[0] - found[0]) > 1e-6, "the two models are the same");
    assertEquals(Set.of("old", "new", "saved_model"), names(folder));
  }

  @Test
  void makesFoldersOnTheWay(@TempDir Path folder) throws IOException {
    Path saved = folder.resolve("a/b/saved_model");
    ModelExporter.export(Models.save(CONFIG, 1, folder.resolve("model")), saved);
    assertEquals(Models.LENGTH * Models.CHANNELS, encoded(saved).length);
  }

  @Test
  void takesAnEmptyFolder(@TempDir Path folder) throws IOException {
    Path saved = Files.createDirectory(folder.resolve("empty"));
    ModelExporter.export(Models.save(CONFIG, 1, folder.resolve("model")), saved);
    assertEquals(Set.of("saved_model.pb", "variables"), names(saved));
  }

  @Test
  void refusesAFolderOfOtherThings(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    refused(model, model.path(), "is not empty and no SavedModel; name a new or empty folder");
    assertEquals(Set.of("config.json", "model.safetensors"), names(model.path()));
    assertEquals(Set.of("model"), names(folder));
  }

  @Test
  void refusesASavedModelAmongOtherThings(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(CONFIG, 1, folder.resolve("model"));
    Path saved = folder.resolve("saved_model");
    ModelExporter.export(model, saved);
    Files.writeString(saved.resolve("thesis.txt"), "the only copy");
    refused(
        model,
        saved,
        "is a SavedModel with other things beside it, and they would be lost: thesis.txt");
    assertEquals("the only copy", Files.readString(saved.resolve("thesis.txt")));
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
    Path saved = folder.resolve("saved_model");
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
    assertEquals(Set.of("model", "saved_model"), names(folder));
  }

  @ParameterizedTest
  @EnumSource(ParameterSharing.class)
  void isHardlyLargerThanTheWeights(ParameterSharing sharing, @TempDir Path folder)
      throws IOException {
    LinformerConfig config =
        LinformerConfig.builder(128, 32, 32)
            .feedForwardDim(64)
            .heads(2)
            .depth(2)
            .parameterSharing(sharing)
            .build();
    ModelDirectory model = Models.save(config, 1, folder.resolve("model"));
    Path saved = folder.resolve("saved_model");
    ModelExporter.export(model, saved);
    long size = Models.bytes(saved);
    long limit = Files.size(model.weightsFile()) + 100 * 1024;
    assertTrue(size <= limit, size + " bytes, above " + limit);
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
    String found =
        String.valueOf(
            assertThrows(InvalidInputException.class, () -> ModelExporter.export(model, out))
                .getMessage());
    assertTrue(found.contains(message), found);
  }
}
