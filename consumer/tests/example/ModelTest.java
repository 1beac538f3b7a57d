package example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.data.CopyTask;
import dev.linformer.model.train.TrainerConfig;
import dev.linformer.model.train.TrainingListener;
import dev.linformer.model.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

class ModelTest {

  @Test
  void encodes() {
    LinformerConfig config = LinformerConfig.builder(8, 4, 2).heads(2).depth(1).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var weights = Variables.random(tf, TFloat32.class, 42);
      var model = Linformer.declare(weights, "", config);
      Operand<TFloat32> x = tf.zeros(tf.constant(new long[] {1, 8, 4}), TFloat32.class);
      Operand<TFloat32> y = model.call(tf, x, null);
      try (Session session = new Session(graph);
          Result result = session.runner().fetch(y).run()) {
        assertEquals(Shape.of(1, 8, 4), result.get(0).shape());
      }
    }
  }

  @Test
  void trains(@TempDir Path folder) throws IOException {
    LinformerConfig stack =
        LinformerLMConfig.stackBuilder(9, 4, 2).heads(2).depth(1).feedForwardDim(8).build();
    var model = LinformerLMConfig.builder(stack, 10).build();
    var task = new CopyTask(9, 8, 4, 4, 1);
    var config = TrainerConfig.builder(2).batchSize(3).build();
    try (TrainingRun run = TrainingRun.create(folder.resolve("run"), model, task, config)) {
      assertTrue(run.train(TrainingListener.NONE));
      assertTrue(Double.isFinite(run.finish().report().model().loss()));
      assertTrue(Files.exists(run.directory().weightsFile()));
    }
  }
}
