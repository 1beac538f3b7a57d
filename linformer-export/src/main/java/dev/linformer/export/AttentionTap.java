package dev.linformer.export;

import dev.linformer.model.LinformerConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.attention.LinearAttention;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * P̄ of a model that stands in a graph: the results of its softmaxes, of which every attention has
 * exactly one, in the order of the attentions.
 *
 * @param name attention_L, cross_attention_L or encoder_attention_L, with L the layer
 * @param layer counted from 0
 * @param weights P̄ [b,h,n,k]
 */
record AttentionTap(String name, int layer, Operand<TFloat32> weights) {

  /** An attention, before its softmax is found. */
  private record SoftmaxOutput(String name, int layer, long queries) {}

  /** All attentions of the one model that the graph holds. */
  static List<AttentionTap> find(Ops tf, Graph graph, ModelConfig config) {
    List<SoftmaxOutput> places = places(config);
    List<Operand<TFloat32>> found = softmaxes(graph);
    if (found.size() != places.size()) {
      throw new IllegalStateException(
          "%s attentions, but %s softmaxes in the graph".formatted(places.size(), found.size()));
    }
    List<AttentionTap> taps = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      SoftmaxOutput place = places.get(i);
      taps.add(
          new AttentionTap(place.name, place.layer, byPosition(tf, found.get(i), place.queries)));
    }
    return taps;
  }

  private static List<SoftmaxOutput> places(ModelConfig config) {
    List<SoftmaxOutput> places = new ArrayList<>();
    List<LinformerConfig> stacks = config.stacks();
    for (int i = 0; i < stacks.size(); i++) {
      LinformerConfig stack = stacks.get(i);
      boolean source = i + 1 < stacks.size();
      for (int layer = 0; layer < stack.depth(); layer++) {
        long n = stack.sequenceLength();
        places.add(
            new SoftmaxOutput((source ? "encoder_attention_" : "attention_") + layer, layer, n));
        if (stack.decoderMode()) {
          places.add(new SoftmaxOutput("cross_attention_" + layer, layer, n));
        }
      }
    }
    return places;
  }

  private static List<Operand<TFloat32>> softmaxes(Graph graph) {
    List<Operand<TFloat32>> found = new ArrayList<>();
    for (Iterator<GraphOperation> all = graph.operations(); all.hasNext(); ) {
      GraphOperation operation = all.next();
      if (operation.type().equals("Softmax")) {
        found.add(operation.output(0));
      }
    }
    return found;
  }

  /** Causal attention has its positions in chunks: [b,h,g,m,k] → [b,h,n,k]. */
  private static Operand<TFloat32> byPosition(Ops tf, Operand<TFloat32> weights, long n) {
    long[] sizes = weights.shape().asArray();
    if (sizes.length == 4) {
      return weights.op().name().contains(LinearAttention.POSITIONS_FIRST)
          ? tf.linalg.transpose(weights, tf.constant(new int[] {0, 2, 1, 3})) // [b,h,n,k]
          : weights; // [b,h,n,k]
    }
    long whole = sizes[2] * sizes[3];
    Operand<TFloat32> joined =
        Shapes.reshape(tf, weights, Shape.UNKNOWN_SIZE, sizes[1], whole, sizes[4]); // [b,h,g·m,k]
    return whole == n ? joined : Shapes.slice(tf, joined, 2, 0, n); // [b,h,n,k]
  }
}
