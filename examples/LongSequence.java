import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Variables;
import org.tensorflow.*;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** The example of linformer-pytorch's first README: 262,144 tokens through two layers. */
public class LongSequence {
  public static void main(String[] arguments) {
    LinformerConfig config =
        LinformerConfig.builder(262144, 64, 128) // input_size, channels, dim_k
            .headDim(256).feedForwardDim(128).heads(4).depth(2).build();
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var weights = Variables.random(tf, TFloat32.class, 42);
      var model = Linformer.declare(weights, config);
      Operand<TFloat32> x =
          tf.random.statelessRandomNormal(tf.constant(new long[] {1, 262144, 64}), tf.constant(new long[] {1, 2}));
      Operand<TFloat32> y = model.call(tf, x, null);
      try (Session session = new Session(graph); Result result = session.runner().fetch(y).run()) {
        System.out.println(result.get(0).shape());
      }
    }
  }
}
