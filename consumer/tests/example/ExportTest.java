package example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.linformer.export.ExportFormat;
import dev.linformer.export.ExportOptions;
import dev.linformer.export.ExportedLinformer;
import dev.linformer.export.InferenceGraph;
import dev.linformer.export.ModelExporter;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelDirectory;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.types.TFloat32;

/** Every format is written; what Java can run without more than TensorFlow and ONNX Runtime is run. */
class ExportTest {

  @Test
  void writesEveryFormat(@TempDir Path folder) throws Exception {
    LinformerConfig config = LinformerConfig.builder(8, 4, 2).heads(2).depth(1).build();
    ModelDirectory model = ModelDirectory.create(folder.resolve("model"));
    try (InferenceGraph inference = InferenceGraph.untrained(config, 1)) {
      inference.saveWeights(model.weightsFile());
    }
    model.writeConfig(config);

    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withFormats(ExportFormat.SAVEDMODEL, ExportFormat.values()));

    float[] x = new float[8 * 4]; // [n,c]
    Random random = new Random(1);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    float[] y;
    try (ExportedLinformer exported = ExportedLinformer.load(version)) {
      y = exported.encode(x);
    }
    assertArrayEquals(y, onnx(version.resolve("onnx/serving_default.onnx"), x), 1e-4f);
    try (Graph graph = new Graph()) {
      graph.importGraphDef(
          GraphDef.parseFrom(Files.readAllBytes(version.resolve("frozen/model.pb"))));
      try (Session session = new Session(graph)) {
        assertArrayEquals(y, tensorflow(session, x), 1e-5f);
      }
    }
    try (SavedModelBundle bundle =
        SavedModelBundle.load(version.resolve("tflite-ready").toString(), "serve")) {
      assertArrayEquals(y, tensorflow(bundle.session(), x), 1e-5f);
    }
    assertTrue(Files.exists(version.resolve("tfjs/serving_default/model.json")));
  }

  private static float[] tensorflow(Session session, float[] x) {
    try (TFloat32 input = TFloat32.tensorOf(Shape.of(1, 8, 4), DataBuffers.of(x));
        Result result = session.runner().feed("inputs", input).fetch("outputs").run()) {
      float[] y = new float[x.length];
      ((TFloat32) result.get(0)).asRawTensor().data().asFloats().read(y);
      return y;
    }
  }

  private static float[] onnx(Path file, float[] x) throws Exception {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession session =
            environment.createSession(file.toString(), new OrtSession.SessionOptions());
        OnnxTensor input =
            OnnxTensor.createTensor(environment, FloatBuffer.wrap(x), new long[] {1, 8, 4});
        OrtSession.Result result =
            session.run(Map.of(session.getInputNames().iterator().next(), input))) {
      float[] y = new float[x.length];
      ((OnnxTensor) result.get(0)).getFloatBuffer().get(y);
      return y;
    }
  }
}
