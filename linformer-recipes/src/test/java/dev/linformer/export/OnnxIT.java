package dev.linformer.export;

import static dev.linformer.export.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.linformer.export.ExportOptions.Lengths;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.ModelDirectory;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** ONNX Runtime for Java computes what the live graph computes. */
class OnnxIT {

  @TempDir private Path folder = Path.of("");

  static Stream<String> models() {
    return ModelZoo.all().keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("models")
  void computesTheSame(String name) throws Exception {
    ModelConfig config = Objects.requireNonNull(ModelZoo.all().get(name));
    ModelDirectory model = Models.save(config, 5, folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel()
                .withFormats(ExportFormat.SAVEDMODEL, ExportFormat.ONNX)
                .withLengths(Lengths.ANY));
    Set<String> masks = Set.of("mask", "source_mask");
    try (Oracle oracle = Oracle.of(model, masks);
        InferenceGraph live = InferenceGraph.load(model, masks);
        ExportedLinformer exported = ExportedLinformer.load(version)) {
      for (SignatureName signature :
          new SignatureName[] {
            SignatureName.SERVING_DEFAULT, SignatureName.EMBEDDINGS, SignatureName.ATTENTION
          }) {
        try (OrtSession session = session(version, signature)) {
          for (int shorter : new int[] {0, 5}) {
            Feed feed = Feed.random(live.inputs(), 20, shorter, 4);
            SignatureOutputs expected = feed.run(exported, signature);
            Map<String, float[]> found = run(session, feed);
            assertEquals(expected.names(), found.keySet());
            found.forEach(
                (output, values) ->
                    assertClose(name + ", " + output, expected.values(output), values));
            if (signature == SignatureName.SERVING_DEFAULT && shorter == 0) {
              found.values().forEach(values -> oracle.assertClose(name, feed, values));
            }
          }
        }
      }
    }
  }

  /** The export of a model that was trained with its padding masked has the mask by itself. */
  @Test
  void takesTheMaskOfTheTraining() throws Exception {
    ModelConfig config = Objects.requireNonNull(ModelZoo.all().get("classifier, LEARNABLE"));
    ModelDirectory model = Models.save(config, 5, folder.resolve("model"));
    Files.writeString(
        model.trainerStateFile(), "{\"task\": {\"name\": \"classify\", \"data\": [\"a.csv\"]}}");
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel().withFormats(ExportFormat.ONNX));
    try (InferenceGraph live = InferenceGraph.load(model, Set.of("mask"));
        OrtSession session = session(version, SignatureName.SERVING_DEFAULT)) {
      Feed feed = Feed.random(live.inputs(), 20, 0, 4);
      assertClose(
          "masked", feed.run(live), run(session, feed).getOrDefault("logits", new float[0]));
    }
  }

  @Test
  void storesBfloat16() throws Exception {
    ModelDirectory model = Models.save(ModelZoo.stack().build(), 5, folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel()
                .withFormats(ExportFormat.ONNX)
                .withPrecision(StoragePrecision.BFLOAT16));
    try (Oracle oracle = Oracle.of(model, StoragePrecision.BFLOAT16);
        InferenceGraph live = InferenceGraph.load(model)) {
      Feed feed = Feed.random(live.inputs(), 2, 0, 4);
      try (OrtSession session = session(version, SignatureName.SERVING_DEFAULT)) {
        float[] found = run(session, feed).getOrDefault("outputs", new float[0]);
        oracle.assertClose("bfloat16", feed, found);
      }
    }
  }

  /** A source is encoded once, then every token by itself. */
  @Test
  void decodesWithASource() throws Exception {
    ModelDirectory model =
        Models.save(
            Objects.requireNonNull(ModelZoo.all().get("encoder and decoder")),
            5,
            folder.resolve("model"));
    Path version =
        ModelExporter.export(
            model,
            folder.resolve("export"),
            ExportOptions.savedModel()
                .withFormats(ExportFormat.ONNX)
                .withSignatures(SignatureName.ENCODE, SignatureName.DECODE));
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (Oracle oracle = Oracle.of(model, Set.of());
        InferenceGraph live = InferenceGraph.load(model);
        OrtSession encode = session(version, SignatureName.ENCODE);
        OrtSession decode = session(version, SignatureName.DECODE)) {
      Feed feed = Feed.random(live.inputs(), 1, 0, 4);
      float[] found = new float[ModelZoo.N * ModelZoo.VOCABULARY]; // [n,v]
      int[] tokens = feed.value("tokens").ints();
      Map<String, float[]> given = new LinkedHashMap<>(run(encode, feed.only("source")));
      for (int t = 0; t < ModelZoo.N; t++) {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        try {
          for (Map.Entry<String, NodeInfo> each : decode.getInputInfo().entrySet()) {
            String name = each.getKey().replace("in.", "");
            long[] shape = ((TensorInfo) each.getValue().getInfo()).getShape();
            inputs.put(
                each.getKey(),
                switch (name) {
                  case "token" ->
                      OnnxTensor.createTensor(
                          environment, IntBuffer.wrap(tokens, t, 1), new long[] {1, 1});
                  case "position" -> OnnxTensor.createTensor(environment, (long) t);
                  default -> {
                    shape[0] = 1;
                    int size = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
                    float[] values = given.computeIfAbsent(name, zeros -> new float[size]);
                    yield OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
                  }
                });
          }
          compute(decode, inputs)
              .forEach((name, values) -> given.put(name.replace("out.", ""), values));
        } finally {
          inputs.values().forEach(OnnxTensor::close);
        }
        float[] logits = Objects.requireNonNull(given.get("logits"));
        System.arraycopy(logits, 0, found, t * logits.length, logits.length);
      }
      oracle.assertClose("step by step", feed, found);
    }
  }

  private static OrtSession session(Path version, SignatureName signature) throws OrtException {
    String file = version.resolve("onnx/" + signature.key() + ".onnx").toString();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      return OrtEnvironment.getEnvironment().createSession(file, options);
    }
  }

  private static Map<String, float[]> run(OrtSession session, Feed feed) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    try {
      for (Feed.Value value : feed.values().values()) {
        inputs.put(value.input().name(), tensor(environment, value));
      }
      return compute(session, inputs);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  private static Map<String, float[]> compute(OrtSession session, Map<String, OnnxTensor> inputs)
      throws OrtException {
    try (OrtSession.Result result = session.run(inputs)) {
      Map<String, float[]> outputs = new LinkedHashMap<>();
      for (Map.Entry<String, OnnxValue> each : result) {
        FloatBuffer values = ((OnnxTensor) each.getValue()).getFloatBuffer();
        float[] array = new float[values.remaining()];
        values.get(array);
        outputs.put(each.getKey(), array);
      }
      return outputs;
    }
  }

  private static OnnxTensor tensor(OrtEnvironment environment, Feed.Value value)
      throws OrtException {
    long[] shape = value.shape().asArray();
    return switch (value.dtype()) {
      case "float32" ->
          OnnxTensor.createTensor(environment, FloatBuffer.wrap(value.floats()), shape);
      case "int32" -> OnnxTensor.createTensor(environment, IntBuffer.wrap(value.ints()), shape);
      default -> {
        boolean[] flags = value.flags();
        ByteBuffer bytes = ByteBuffer.allocateDirect(flags.length);
        for (boolean flag : flags) {
          bytes.put((byte) (flag ? 1 : 0));
        }
        yield OnnxTensor.createTensor(environment, bytes.rewind(), shape, OnnxJavaType.BOOL);
      }
    };
  }
}
