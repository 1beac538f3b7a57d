import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.translate.NoopTranslator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

public class Classify {
  public static void main(String[] files) throws Exception {
    int n = Integer.parseInt(files[3]);
    Criteria<NDList, NDList> criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optModelPath(Path.of(files[0]))
            .optEngine("TensorFlow")
            .optTranslator(new NoopTranslator())
            .build();
    try (var model = criteria.loadModel();
        var predictor = model.newPredictor();
        var manager = model.getNDManager().newSubManager()) {
      IntBuffer values =
          ByteBuffer.wrap(Files.readAllBytes(Path.of(files[1])))
              .order(ByteOrder.LITTLE_ENDIAN)
              .asIntBuffer();
      int[] tokens = new int[values.remaining()];
      values.get(tokens);
      var input = manager.create(tokens, new Shape(tokens.length / n, n));
      input.setName("tokens");
      float[] logits = predictor.predict(new NDList(input)).singletonOrThrow().toFloatArray();
      ByteBuffer out = ByteBuffer.allocate(4 * logits.length).order(ByteOrder.LITTLE_ENDIAN);
      out.asFloatBuffer().put(logits);
      Files.write(Path.of(files[2]), out.array());
    }
  }
}
