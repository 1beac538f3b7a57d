package dev.linformer.export;

import dev.linformer.export.ServingSignature.NamedOperand;
import dev.linformer.model.LinformerEncDec;
import dev.linformer.model.LinformerLM;
import dev.linformer.model.Model;
import dev.linformer.model.ModelConfig;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The signature {@code encode}: a source as every layer of the decoder attends to it, which {@code
 * decode} takes with each token under the same names.
 */
final class EncodeSignature {

  /** Before the names of its outputs. */
  static final String CROSS = "cross_";

  private static final String SOURCE = "source"; // and source_mask

  private EncodeSignature() {}

  /** Whether a model has a source and a decoder that goes step by step. */
  static boolean fits(ModelConfig config) {
    return DecodeSignature.decoder(config)
        .filter(decoder -> decoder.stack().decoderMode())
        .isPresent();
  }

  /** Adds it to the graph. */
  static ServingSignature build(Ops tf, Model<TFloat32> model, ServingInputs inputs) {
    List<NamedOperand> outputs = new ArrayList<>();
    List<CompressedKeyValues<TFloat32>> sources = compress(tf, model, inputs);
    for (int layer = 0; layer < sources.size(); layer++) {
      CompressedKeyValues<TFloat32> source = sources.get(layer);
      outputs.add(output(tf, layer, "keys", source.keys()));
      outputs.add(output(tf, layer, "values", source.values()));
    }
    return new ServingSignature(
        SignatureName.ENCODE.key(),
        inputs.placeholders().stream().filter(each -> each.name().startsWith(SOURCE)).toList(),
        outputs);
  }

  private static List<CompressedKeyValues<TFloat32>> compress(
      Ops tf, Model<TFloat32> model, ServingInputs inputs) {
    if (model instanceof LinformerEncDec<TFloat32> both) {
      return both.compress(tf, inputs.forModel());
    }
    if (model instanceof LinformerLM<TFloat32> decoder) {
      return decoder.compress(tf, inputs.forModel());
    }
    throw new IllegalArgumentException("no source: " + model);
  }

  private static NamedOperand output(Ops tf, int layer, String kind, Operand<TFloat32> source) {
    String name = CROSS + layer + "_" + kind;
    return new NamedOperand(name, tf.withName(name).identity(source), "for decode"); // [b,h,k,d]
  }
}
