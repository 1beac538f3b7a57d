import dev.linformer.model.Linformer;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Variables;
import dev.linformer.model.train.AdamW;
import dev.linformer.ops.Dense;
import org.tensorflow.*;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/** A training loop of one's own: an encoder learns to tell the mean of each sequence's first channel. */
public class OwnTrainingStep {
  public static void main(String[] arguments) {
    LinformerConfig config =
        LinformerConfig.builder(64, 16, 8).heads(2).depth(1).build(); // input_size, channels, dim_k
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var weights = Variables.random(tf, TFloat32.class, 42);
      Operand<TFloat32> noise = tf.random.randomStandardNormal(tf.constant(new int[] {32, 64, 16}), TFloat32.class);
      Operand<TFloat32> level = tf.random.randomStandardNormal(tf.constant(new int[] {32, 1, 16}), TFloat32.class);
      Operand<TFloat32> x = tf.math.add(noise, level); // [b,n,c]
      Operand<TFloat32> means = tf.math.mean(x, tf.constant(1)); // [b,c]
      Operand<TFloat32> wanted = tf.slice(means, tf.constant(new int[] {0, 0}), tf.constant(new int[] {-1, 1})); // [b,1]

      // The model, a head of one's own, and the loss; then one line for the step.
      Operand<TFloat32> y = Linformer.declare(weights, "", config).call(tf, x, null); // [b,n,c]
      Operand<TFloat32> pooled = tf.math.mean(y, tf.constant(1)); // [b,c]
      Operand<TFloat32> told = Dense.declare(weights, "head", 16, 1).call(tf, pooled); // [b,1]
      Operand<TFloat32> loss =
          tf.math.mean(tf.math.squaredDifference(told, wanted), tf.constant(new int[] {0, 1})); // scalar
      Op step = new AdamW().minimize(tf, loss, weights, 0.003);

      try (Session session = new Session(graph)) {
        session.initialize();
        for (int i = 0; i <= 300; i++) {
          try (Result result = session.runner().fetch(loss).addTarget(step).run()) {
            if (i % 100 == 0) {
              System.out.printf("step %d: loss %.4f%n", i, ((TFloat32) result.get(0)).getFloat());
            }
          }
        }
      }
    }
  }
}
