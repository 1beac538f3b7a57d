package dev.linformer.export;

import dev.linformer.export.ServingSignature.NamedOperand;
import dev.linformer.model.LinformerEncDecConfig;
import dev.linformer.model.LinformerLM;
import dev.linformer.model.LinformerLMConfig;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.attention.IncrementalDecoding.State;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * The signature {@code decode}: one token more of a causal language model, or of a decoder whose
 * source {@code encode} has seen. Its state goes out under the names that it comes in by, so that a
 * loop feeds back what it gets.
 */
final class DecodeSignature {

  /** Input: [b,1]. */
  static final String TOKEN = "token";

  /** Input: a scalar. */
  static final String POSITION = "position";

  /** Before the names of state tensors. */
  static final String STATE = "state_";

  private static final String IN = "in.";
  private static final String OUT = "out.";

  private DecodeSignature() {}

  /** What of a model goes step by step, if anything does. */
  static Optional<LinformerLMConfig> decoder(ModelConfig config) {
    LinformerLMConfig model =
        config instanceof LinformerEncDecConfig both
            ? both.decoder()
            : config instanceof LinformerLMConfig language ? language : null;
    return Optional.ofNullable(model)
        .filter(each -> each.stack().causal() && !each.stack().fullAttention());
  }

  /** Adds the step to the graph. */
  static ServingSignature build(Ops tf, LinformerLM<TFloat32> model, int vocabulary) {
    List<NamedOperand> inputs = new ArrayList<>();
    Placeholder<TInt32> token =
        tf.withName(IN + TOKEN)
            .placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE, 1)));
    Placeholder<TInt64> position =
        tf.withName(IN + POSITION).placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
    inputs.add(new NamedOperand(TOKEN, token, "token ids from 0 to " + (vocabulary - 1)));
    inputs.add(new NamedOperand(POSITION, position, "how many tokens were before"));
    List<State<TFloat32>> states = new ArrayList<>();
    for (Shape shape : model.stateShapes()) {
      String name = STATE + states.size();
      String meaning = "zeros at first";
      NamedOperand keys = input(tf, name + "_keys", shape, meaning);
      NamedOperand values = input(tf, name + "_values", shape, meaning);
      inputs.add(keys);
      inputs.add(values);
      states.add(new State<>(floats(keys), floats(values)));
    }
    List<CompressedKeyValues<TFloat32>> sources = new ArrayList<>();
    for (Shape shape : model.sourceShapes()) {
      String name = EncodeSignature.CROSS + sources.size();
      String meaning = "of encode";
      NamedOperand keys = input(tf, name + "_keys", shape, meaning);
      NamedOperand values = input(tf, name + "_values", shape, meaning);
      inputs.add(keys);
      inputs.add(values);
      sources.add(new CompressedKeyValues<>(floats(keys), floats(values)));
    }
    Operand<TFloat32> y = model.step(tf, token, position, states, sources); // [b,1,vocabulary]
    String name = model.outputName();
    List<NamedOperand> outputs = new ArrayList<>();
    outputs.add(new NamedOperand(name, tf.withName(OUT + name).identity(y), "of the next token"));
    for (int layer = 0; layer < states.size(); layer++) {
      State<TFloat32> state = states.get(layer);
      outputs.add(stateOutput(tf, layer, "keys", state.keys()));
      outputs.add(stateOutput(tf, layer, "values", state.values()));
    }
    return new ServingSignature(SignatureName.DECODE.key(), inputs, outputs);
  }

  private static NamedOperand input(Ops tf, String name, Shape one, String meaning) {
    Shape shape = one.tail().prepend(Shape.UNKNOWN_SIZE); // [b,h,k,d]
    return new NamedOperand(
        name,
        tf.withName(IN + name).placeholder(TFloat32.class, Placeholder.shape(shape)),
        meaning);
  }

  private static NamedOperand stateOutput(Ops tf, int layer, String kind, Operand<TFloat32> state) {
    String name = STATE + layer + "_" + kind;
    return new NamedOperand(name, tf.withName(OUT + name).identity(state), "after it");
  }

  @SuppressWarnings("unchecked") // made above
  private static Operand<TFloat32> floats(NamedOperand tensor) {
    return (Operand<TFloat32>) tensor.operand();
  }
}
