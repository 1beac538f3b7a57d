package dev.linformer.model;

import dev.linformer.ops.FeedForward;
import dev.linformer.ops.LayerNorm;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Shapes;
import dev.linformer.ops.attention.MultiHeadAttention;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.family.TFloating;

/**
 * The encoder of the paper (arXiv 2006.04768), as linformer-pytorch builds it: {@code depth}
 * post-norm layers of linear attention and feed-forward. Time and memory grow with n·k.
 */
public final class Linformer<T extends TFloating> implements Model<T, T> {

  private final LinformerConfig config;
  private final Class<T> type;
  private final List<LinformerBlock<T>> blocks;

  private Linformer(LinformerConfig config, Class<T> type, List<LinformerBlock<T>> blocks) {
    this.config = config;
    this.type = type;
    this.blocks = blocks;
  }

  /**
   * Asks for the weights. Layer l has its attention under {@code seq.2l} and its feed-forward layer
   * under {@code seq.2l+1}.
   *
   * @param prefix before every name and key; empty for an encoder of its own
   */
  public static <T extends TFloating> Linformer<T> declare(
      ParameterFactory<T> parameters, String prefix, LinformerConfig config) {
    List<String> sublayers =
        IntStream.range(0, 2 * config.depth()).mapToObj(j -> prefix + "seq." + j).toList();
    List<String> attentions =
        IntStream.range(0, config.depth()).mapToObj(l -> sublayers.get(2 * l) + ".fn").toList();
    var bank = ProjectionBank.declare(parameters, prefix, config, attentions);
    List<LinformerBlock<T>> blocks = new ArrayList<>();
    int c = config.channels();
    for (int l = 0; l < config.depth(); l++) {
      var pair = bank.pair(l);
      blocks.add(
          new LinformerBlock<>(
              MultiHeadAttention.declare(
                  parameters,
                  attentions.get(l),
                  c,
                  config.heads(),
                  config.headDim(),
                  pair.keys(),
                  pair.values()),
              LayerNorm.declare(parameters, sublayers.get(2 * l) + ".norm", c),
              FeedForward.declare(
                  parameters,
                  sublayers.get(2 * l + 1) + ".fn",
                  c,
                  config.feedForwardDim(),
                  config.activation()),
              LayerNorm.declare(parameters, sublayers.get(2 * l + 1) + ".norm", c)));
    }
    Class<T> type = blocks.get(0).attentionNorm().weight().type();
    return new Linformer<>(config, type, List.copyOf(blocks));
  }

  @Override
  public String inputName() {
    return "inputs";
  }

  @Override
  public String outputName() {
    return "outputs";
  }

  @Override
  public Class<T> inputType() {
    return type;
  }

  /** [b,n,c]. */
  @Override
  public Shape inputShape() {
    return Shape.of(Shape.UNKNOWN_SIZE, config.sequenceLength(), config.channels());
  }

  /**
   * @param x [b,n,c]
   * @return [b,n,c]
   * @throws IllegalArgumentException if x has another length or width
   */
  @Override
  public Operand<T> call(Ops tf, Operand<T> x, @Nullable RandomKey key) {
    Shapes.requireRank("Linformer input", x, 3);
    Shapes.requireAxis("Linformer input", x, 1, config.sequenceLength(), "input_size");
    Shapes.requireAxis("Linformer input", x, 2, config.channels(), "channels");
    Operand<T> y = x;
    for (int l = 0; l < blocks.size(); l++) {
      y = blocks.get(l).call(tf, y, config, key == null ? null : key.fold(l)); // [b,n,c]
    }
    return y;
  }
}
