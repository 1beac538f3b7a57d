package dev.linformer.model;

import dev.linformer.model.internal.BatchSizes;
import dev.linformer.ops.Backend;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.Masks;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.IncrementalDecoding;
import dev.linformer.ops.attention.MultiHeadAttention;
import dev.linformer.ops.internal.Float32Math;
import dev.linformer.ops.internal.Shapes;
import dev.linformer.ops.internal.attention.MultiHeadWeights;
import dev.linformer.ops.projection.CompressedKeyValues;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * The encoder of the paper (arXiv 2006.04768), as linformer-pytorch builds it: {@code depth} layers
 * of linear attention and feed-forward; in decoder mode each followed by attention to a source and
 * its feed-forward. Time and memory grow with n·k.
 *
 * <pre>{@code
 * LinformerConfig config = LinformerConfig.builder(2048, 64, 128).depth(4).build(); // n, c, k
 * try (Graph graph = new Graph()) {
 *   Ops tf = Ops.create(graph);
 *   var weights = Variables.random(tf, TFloat32.class, 7); // 7: the seed
 *   var encoder = Linformer.declare(weights, config);
 *   var x = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.of(-1, 2048, 64))); // [b,n,c]
 *   var y = encoder.call(tf, x, null); // [b,n,c]
 * }
 * }</pre>
 *
 * @param <T> type of weights, input and output
 */
public final class Linformer<T extends TFloating> implements Model<T> {

  private static final String INPUTS = "inputs";
  static final String MASK = "mask";
  static final String SOURCE = "source";
  static final String SOURCE_MASK = "source_mask";

  private final LinformerConfig config;
  private final Class<T> type;
  private final Backend backend;
  private final List<Sublayer<T>> sublayers;

  private Linformer(
      LinformerConfig config, Class<T> type, Backend backend, List<Sublayer<T>> sublayers) {
    this.config = config;
    this.type = type;
    this.backend = backend;
    this.sublayers = sublayers;
  }

  /**
   * Asks for the weights: each attention and each feed-forward part, in order, under {@code seq.0},
   * {@code seq.1} …
   *
   * @param prefix before every name, and before the keys in state dictionaries; empty for an
   *     encoder of its own
   */
  public static <T extends TFloating> Linformer<T> declare(
      ParameterFactory<T> parameters, String prefix, LinformerConfig config) {
    List<Sublayer<T>> sublayers = SublayerPlan.declareAll(parameters, prefix, config);
    Class<T> type = sublayers.get(0).norm().weight().type();
    return new Linformer<>(config, type, parameters.backend(), sublayers);
  }

  /** {@link #declare(ParameterFactory, String, LinformerConfig)} without a prefix. */
  public static <T extends TFloating> Linformer<T> declare(
      ParameterFactory<T> parameters, LinformerConfig config) {
    return declare(parameters, "", config);
  }

  /** {@code inputs} [b,n,c] and {@code mask}; in decoder mode {@code source} and its mask too. */
  @Override
  public List<Input> inputs() {
    int n = config.sequenceLength();
    List<Input> inputs = new ArrayList<>();
    inputs.add(Input.vectors(INPUTS, type, n, config.channels()));
    if (config.decoderMode()) {
      inputs.add(Input.vectors(SOURCE, type, n, config.channels()));
      inputs.add(Input.mask(SOURCE_MASK, n));
    }
    inputs.add(Input.mask(MASK, n));
    return inputs;
  }

  @Override
  public String outputName() {
    return "outputs";
  }

  @Override
  public Operand<T> call(Ops tf, Map<String, Operand<?>> inputs, @Nullable RandomKey key) {
    return call(tf, Model.require(inputs, INPUTS), Context.of(inputs), key);
  }

  /** The name and the sizes of each attention at a configuration's full length. */
  static List<AttentionPlans.AttentionOrder> attentions(String prefix, LinformerConfig config) {
    try (Graph graph = new Graph()) {
      var variables = Variables.toBeLoaded(Ops.create(graph), TFloat32.class);
      Linformer<TFloat32> model = Linformer.declare(variables, prefix, config);
      List<AttentionPlans.AttentionOrder> all = new ArrayList<>();
      var plans = SublayerPlan.all(prefix, config); // one a sublayer, in the same order
      long n = config.sequenceLength();
      for (int j = 0; j < plans.size(); j++) {
        if (model.sublayers.get(j).body() instanceof Sublayer.AttentionBody<TFloat32> body) {
          MultiHeadWeights<TFloat32> attention = body.attention().weights();
          all.add(
              new AttentionPlans.AttentionOrder(
                  plans.get(j).name(), attention.sizes(n, n), attention.byPrefix()));
        }
      }
      return all;
    }
  }

  /** A model without padding and source. */
  public Operand<T> call(Ops tf, Operand<T> x, @Nullable RandomKey key) {
    return call(tf, x, Context.none(), key);
  }

  /**
   * Adds the model to the graph.
   *
   * @param x [b,n,c]; n may be shorter than the configuration's
   * @param context padding, and in decoder mode a source [b,s,c]
   * @param key source of the dropout masks; null outside training
   * @return [b,n,c]; at real positions, what stands at padded ones has no part in it
   * @throws IllegalArgumentException if x is longer or of another width, or a source is missing, or
   *     with a key there are more positions than {@link BatchSizes} allows
   */
  public Operand<T> call(Ops tf, Operand<T> x, Context<T> context, @Nullable RandomKey key) {
    Shapes.requireRank("Linformer input", x, 3);
    Shapes.requireAtMost("Linformer input", x, 1, config.sequenceLength(), "input_size");
    Shapes.requireAxis("Linformer input", x, 2, config.channels(), "channels");
    if (key != null && x.shape().get(0) != Shape.UNKNOWN_SIZE) {
      BatchSizes.requirePositions(x.shape().get(0), x.shape().get(1));
    }
    Operand<T> tame = Masks.tamePadding(tf, x, context.mask()); // [b,n,c]
    return config.precision() == ComputePrecision.BF16 && !Float32Math.isReducedPrecision(type)
        ? narrow(tf, tame, context, key)
        : stack(tf, sublayers, tame, context, key); // [b,n,c]
  }

  private <U extends TFloating> Operand<U> stack(
      Ops tf, List<Sublayer<U>> stack, Operand<U> x, Context<U> context, @Nullable RandomKey key) {
    Operand<U> y = x;
    for (int j = 0; j < stack.size(); j++) {
      RandomKey place = key == null ? null : key.fold(j);
      var call = new SublayerCall<>(stack.get(j), config, context, place);
      y = Checkpointing.policy(config).call(tf, y, call); // [b,n,c]
    }
    return y;
  }

  /** The stack in bfloat16. */
  private Operand<T> narrow(Ops tf, Operand<T> x, Context<T> context, @Nullable RandomKey key) {
    Bfloat16Cast rounding = new Bfloat16Cast(tf, backend);
    List<Sublayer<TBfloat16>> stack = rounded(rounding, key != null);
    Context<TBfloat16> inner = context.map(rounding::of);
    Operand<TBfloat16> y = stack(tf, stack, rounding.of(x), inner, key); // [b,n,c]
    return tf.dtypes.cast(y, x.type()); // [b,n,c]
  }

  /** The sublayers in bfloat16; with gradients of what they share in T, if there will be some. */
  private List<Sublayer<TBfloat16>> rounded(Bfloat16Cast rounding, boolean training) {
    Map<Output<?>, Integer> users = new HashMap<>();
    for (Sublayer<T> sublayer : sublayers) {
      Set<Output<?>> own = new HashSet<>();
      sublayer.map(
          weight -> {
            own.add(weight.asOutput());
            return weight;
          });
      own.forEach(weight -> users.merge(weight, 1, Integer::sum));
    }
    List<Sublayer<TBfloat16>> stack = new ArrayList<>();
    for (Sublayer<T> sublayer : sublayers) {
      Map<Output<?>, Operand<TBfloat16>> own = new HashMap<>();
      stack.add(
          sublayer.map(
              weight ->
                  own.computeIfAbsent(
                      weight.asOutput(),
                      output ->
                          training && users.getOrDefault(output, 1) > 1
                              ? rounding.forOneOfMany(weight)
                              : rounding.of(weight))));
    }
    return stack;
  }

  /** The shapes of the states of {@link #step}, for one sequence: one for each layer. */
  List<Shape> stateShapes() {
    return attentions(false).map(IncrementalDecoding::stateShape).toList();
  }

  /** The shapes of what {@link #compress} gives, for one sequence; none for an encoder. */
  List<Shape> sourceShapes() {
    return attentions(true).map(IncrementalDecoding::stateShape).toList();
  }

  private Stream<MultiHeadAttention<T>> attentions(boolean cross) {
    return sublayers.stream()
        .map(Sublayer::body)
        .flatMap(
            body ->
                body instanceof Sublayer.AttentionBody<T> each && each.cross() == cross
                    ? Stream.of(each.attention())
                    : Stream.empty());
  }

  /** A source as each layer of a decoder attends to it. */
  List<CompressedKeyValues<T>> compress(Ops tf, Operand<T> source, @Nullable Operand<TBool> mask) {
    return attentions(true)
        .map(attention -> IncrementalDecoding.compress(tf, attention, source, mask))
        .toList();
  }

  /**
   * One position more.
   *
   * @param x [b,1,c]
   * @param position a scalar counted from 0
   * @param states one for each layer, in float32 or float64; replaced by those after the position
   * @param sources of {@link #compress}; none for an encoder
   * @return [b,1,c]
   */
  <S extends TFloating> Operand<T> step(
      Ops tf,
      Operand<T> x,
      Operand<TInt64> position,
      List<IncrementalDecoding.State<S>> states,
      List<CompressedKeyValues<T>> sources) {
    Operand<T> y = x;
    int layer = 0;
    int source = 0;
    for (Sublayer<T> sublayer : sublayers) {
      Operand<T> in = sublayer.input(tf, y); // [b,1,c]
      LinearOutput<T> added;
      if (!(sublayer.body() instanceof Sublayer.AttentionBody<T> body)) {
        added = sublayer.body().call(tf, in, config, Context.none(), null); // [b,1,c]
      } else if (body.cross()) {
        added =
            LinearOutput.none(
                IncrementalDecoding.step(
                    tf, body.attention(), in, sources.get(source++))); // [b,1,c]
      } else {
        var step = IncrementalDecoding.step(tf, body.attention(), in, position, states.get(layer));
        states.set(layer++, step.state());
        added = LinearOutput.none(step.output()); // [b,1,c]
      }
      y = sublayer.join(tf, y, added); // [b,1,c]
    }
    return y;
  }
}
