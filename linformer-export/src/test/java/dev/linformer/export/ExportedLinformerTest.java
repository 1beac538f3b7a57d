package dev.linformer.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import dev.linformer.model.ParameterSharing;
import dev.linformer.model.Pooling;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.Signature;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;

class ExportedLinformerTest {

  @ParameterizedTest
  @EnumSource(ParameterSharing.class)
  void encodesLikeTheLiveGraph(ParameterSharing sharing, @TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(Models.encoder(sharing), 7, folder.resolve("model"));
    Path saved = export(model, folder);
    try (InferenceGraph live = InferenceGraph.load(model);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      assertArrayEquals(
          new long[] {-1, Models.LENGTH, Models.CHANNELS}, exported.inputShape().asArray());
      for (int batch : new int[] {1, 3}) {
        float[] x = Models.vectors(batch, batch);
        assertArrayEquals(Models.run(live, x), exported.encode(x));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Pooling.class)
  void classifiesLikeTheLiveGraph(Pooling pooling, @TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(Models.classifier(pooling), 7, folder.resolve("model"));
    Path saved = export(model, folder);
    try (InferenceGraph live = InferenceGraph.load(model);
        ExportedLinformer exported = ExportedLinformer.load(saved)) {
      assertArrayEquals(new long[] {-1, Models.LENGTH}, exported.inputShape().asArray());
      for (int batch : new int[] {1, 3}) {
        int[] tokens = Models.tokens(batch, batch);
        float[] logits = exported.logits(tokens);
        assertEquals(batch * Models.CLASSES, logits.length);
        assertArrayEquals(Models.run(live, tokens), logits);
      }
    }
  }

  /** The weights of a seed, before they went to disk, and after. */
  @Test
  void loadedGraphEqualsTheUntrainedOne(@TempDir Path folder) throws IOException {
    ModelConfig config = Models.encoder(ParameterSharing.NONE);
    ModelDirectory model = Models.save(config, 7, folder.resolve("model"));
    float[] x = Models.vectors(2, 0);
    try (InferenceGraph untrained = InferenceGraph.untrained(config, 7);
        InferenceGraph another = InferenceGraph.untrained(config, 8);
        InferenceGraph loaded = InferenceGraph.load(model)) {
      float[] y = Models.run(untrained, x);
      assertArrayEquals(y, Models.run(loaded, x));
      assertTrue(Math.abs(y[0] - Models.run(another, x)[0]) > 1e-6, "the seed changes nothing");
    }
  }

  @Test
  void threadsShareIt(@TempDir Path folder) throws Exception {
    int threads = 8;
    int calls = 25;
    Path saved =
        export(
            Models.save(Models.encoder(ParameterSharing.KV), 7, folder.resolve("model")), folder);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (ExportedLinformer exported = ExportedLinformer.load(saved)) {
      List<float[]> alone = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        alone.add(exported.encode(Models.vectors(1 + i % 3, i)));
      }
      CountDownLatch together = new CountDownLatch(threads);
      List<Future<List<float[]>>> answers = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        float[] x = Models.vectors(1 + i % 3, i);
        answers.add(
            pool.submit(
                () -> {
                  together.countDown();
                  together.await();
                  List<float[]> mine = new ArrayList<>();
                  for (int call = 0; call < calls; call++) {
                    mine.add(exported.encode(x));
                  }
                  return mine;
                }));
      }
      compare(alone, answers);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void compare(List<float[]> alone, List<Future<List<float[]>>> answers)
      throws InterruptedException, ExecutionException {
    for (int i = 0; i < answers.size(); i++) {
      for (float[] y : answers.get(i).get()) {
        assertArrayEquals(alone.get(i), y);
      }
    }
  }

  @Test
  void refusesAMissingFolder(@TempDir Path folder) {
    Path missing = folder.resolve("nowhere");
    refused(missing, missing + ": no SavedModel there, saved_model.pb is missing");
  }

  @Test
  void refusesAnEmptyFolder(@TempDir Path folder) {
    refused(folder, folder + ": no SavedModel there, saved_model.pb is missing");
  }

  @Test
  void refusesGarbage(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("saved_model.pb"), "this is no protocol buffer");
    refused(
        folder,
        folder + ": a SavedModel, but not one of ours, or damaged: assets.extra/linformer.json");
  }

  @Test
  void refusesTruncatedVariables(@TempDir Path folder) throws IOException {
    Path saved = encoder(folder);
    Path variables = saved.resolve("variables/variables.data-00000-of-00001");
    try (FileChannel channel = FileChannel.open(variables, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / 2);
    }
    refused(
        saved,
        saved
            + ": the export is damaged: variables/variables.data-00000-of-00001 has 3,564 bytes, not 7,128");
  }

  @Test
  void refusesMissingVariables(@TempDir Path folder) throws IOException {
    Path saved = encoder(folder);
    Files.delete(saved.resolve("variables/variables.index"));
    refused(saved, saved + ": the export is damaged: variables/variables.index is missing");
  }

  @Test
  void refusesAnotherProgramsModel(@TempDir Path folder) throws IOException {
    Shape[] shapes = {
      Shape.of(Shape.UNKNOWN_SIZE, 3), Shape.of(Shape.UNKNOWN_SIZE, Shape.UNKNOWN_SIZE, 3)
    };
    for (Shape shape : shapes) {
      Path saved = folder.resolve("rank" + shape.numDimensions());
      writeForeign(saved, shape);
      refused(saved, "a SavedModel, but not one of ours, or damaged");
    }
  }

  private static void writeForeign(Path folder, Shape shape) throws IOException {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      Placeholder<TFloat32> x = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
      Operand<TFloat32> y = tf.math.neg(x);
      Signature signature = Signature.builder().input("x", x).output("y", y).build();
      try (Session session = new Session(graph)) {
        SavedModelBundle.exporter(folder.toString())
            .withSession(session)
            .withSignature(signature)
            .export();
      }
    }
  }

  @Test
  void refusesParts(@TempDir Path folder) throws IOException {
    try (ExportedLinformer exported = ExportedLinformer.load(encoder(folder))) {
      refused(
          () -> exported.encode(new float[Models.LENGTH * Models.CHANNELS + 1]),
          "input inputs: 144 values are no whole number of [11, 13]");
      refused(
          () -> exported.encode(new float[0]),
          "input inputs: 0 values are no whole number of [11, 13]");
      refused(
          () -> exported.logits(new int[Models.LENGTH]),
          "input inputs is float32 [b, 11, 13], but int32 was given");
    }
  }

  @Test
  void refusesVectorsForTokens(@TempDir Path folder) throws IOException {
    ModelDirectory model = Models.save(Models.classifier(Pooling.MEAN), 7, folder.resolve("model"));
    try (ExportedLinformer exported = ExportedLinformer.load(export(model, folder))) {
      refused(
          () -> exported.encode(new float[Models.LENGTH]),
          "input tokens is int32 [b, 11], but float32 was given");
      refused(
          () -> exported.logits(new int[Models.LENGTH - 1]),
          "input tokens: 10 values are no whole number of [11]");
    }
  }

  private static Path encoder(Path folder) throws IOException {
    return export(
        Models.save(Models.encoder(ParameterSharing.LAYERWISE), 7, folder.resolve("model")),
        folder);
  }

  private static Path export(ModelDirectory model, Path folder) throws IOException {
    return ModelExporter.export(model, folder.resolve("saved_model"));
  }

  private static void refused(Path folder, String message) {
    refused(() -> ExportedLinformer.load(folder).close(), message);
  }

  private static void refused(Executable call, String message) {
    String found = String.valueOf(assertThrows(InvalidInputException.class, call).getMessage());
    assertTrue(found.contains(message), found);
  }
}
