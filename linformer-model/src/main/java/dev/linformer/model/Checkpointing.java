package dev.linformer.model;

import dev.linformer.ops.Dense;
import dev.linformer.ops.LinearOutput;
import dev.linformer.ops.Masks;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.attention.AttentionDropout;
import dev.linformer.ops.attention.ContractionPlan;
import dev.linformer.ops.attention.MultiHeadAttention;
import dev.linformer.ops.attention.PrefixAttention;
import dev.linformer.ops.gradient.ChunkPlan;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.gradient.SegmentInput;
import dev.linformer.ops.gradient.Substitution;
import dev.linformer.ops.internal.Shapes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TType;

/**
 * Half layers whose insides are computed again in the backward pass. What is kept of each, as [n,c]
 * a sequence: its input at C1 and C3, at C2 also the sum of its heads.
 *
 * @param sublayer what is computed
 * @param config level and sizes
 * @param context what the model is given
 * @param key null outside training
 */
record Checkpointing<T extends TFloating>(
    Sublayer<T> sublayer, LinformerConfig config, Context<T> context, @Nullable RandomKey key) {

  private static final long WIDEST = 1 << 23; // values: 32 MiB in float32
  private static final long MOST_PARTS = 32;

  /** The sublayer at the configuration's level, [b,n,c] → [b,n,out]. */
  Operand<T> call(Ops tf, Operand<T> x) {
    return switch (config.checkpointLevel()) {
      case C0 -> sublayer.call(tf, x, config, context, key);
      case C1 -> whole(tf, x);
      case C2 ->
          sublayer.body() instanceof Sublayer.Attention<T> attention
              ? byHeads(tf, x, attention)
              : whole(tf, x);
      case C3 ->
          sublayer.body() instanceof Sublayer.Attention<T> attention
              ? attentionByPositions(tf, x, attention)
              : feedByPositions(tf, x);
    };
  }

  /** The map method of a layer. */
  private interface Layer<T extends TFloating> {
    Object map(Function<Operand<T>, Operand<T>> replace);
  }

  /** Inputs of a segment; a second entry of the same operand changes nothing. */
  private final class Inputs {
    private final Map<Output<?>, SegmentInput> inputs = new LinkedHashMap<>();

    Inputs add(SegmentInput input) {
      inputs.putIfAbsent(input.operand().asOutput(), input);
      return this;
    }

    Inputs whole(@Nullable Operand<?> operand) {
      return operand == null ? this : add(SegmentInput.whole(operand));
    }

    Inputs all(List<SegmentInput> others) {
      others.forEach(this::add);
      return this;
    }

    /** All weights of a layer, whole. */
    Inputs weights(Layer<T> layer) {
      layer.map(
          weight -> {
            whole(weight);
            return weight;
          });
      return this;
    }

    List<? extends Operand<?>> operands() {
      return inputs.values().stream().map(SegmentInput::operand).toList();
    }

    List<SegmentInput> list() {
      return List.copyOf(inputs.values());
    }
  }

  private static <U extends TType> @Nullable Operand<U> find(
      Substitution of, @Nullable Operand<U> operand) {
    return operand == null ? null : of.get(operand);
  }

  private @Nullable Operand<TInt64> seed() {
    return key == null ? null : key.seed();
  }

  private @Nullable RandomKey keyIn(Substitution of) {
    return key == null ? null : key.seededBy(of.get(key.seed()));
  }

  /** The segment is the sublayer. */
  private Operand<T> whole(Ops tf, Operand<T> x) {
    Context<T> used = used();
    Inputs inputs =
        new Inputs()
            .whole(x)
            .whole(used.source())
            .weights(sublayer::map)
            .whole(used.mask())
            .whole(used.sourceMask())
            .whole(seed());
    return Recompute.call(
        tf,
        inputs.operands(),
        (inner, of) ->
            sublayer
                .map(of::get)
                .call(inner, of.get(x), config, in(of, used), keyIn(of))); // [b,n,out]
  }

  /** What of the context the sublayer uses. */
  private Context<T> used() {
    if (!(sublayer.body() instanceof Sublayer.Attention<T> attention)) {
      return Context.none();
    }
    return attention.cross()
        ? new Context<>(null, context.source(), context.sourceMask())
        : Context.masked(context.mask());
  }

  private static <T extends TFloating> Context<T> in(Substitution of, Context<T> context) {
    return new Context<>(
        find(of, context.mask()), find(of, context.source()), find(of, context.sourceMask()));
  }

  /** The norm before an attention, computed again too. */
  private Operand<T> input(Ops tf, Operand<T> x) {
    return sublayer.preNorm()
        ? Recompute.call(
            tf,
            new Inputs().whole(x).weights(sublayer.norm()::map).operands(),
            (inner, of) -> sublayer.norm().map(of::get).call(inner, of.get(x))) // [b,n,c]
        : x;
  }

  /** The sum over heads is one segment, some heads a part; what comes after it is another. */
  private Operand<T> byHeads(Ops tf, Operand<T> x, Sublayer.Attention<T> body) {
    MultiHeadAttention<T> attention = body.attention();
    Operand<T> in = input(tf, x); // [b,n,c]
    Operand<T> source = body.source(in, context); // [b,s,c]
    Operand<TBool> mask = body.mask(context);
    ContractionPlan plan = attention.steps().plan(in, source, mask, config.dropout(), key);
    var early = attention.steps().compressSource(tf, Masks.zeroPadding(tf, source, mask), plan);
    long h = attention.heads();
    Operand<TInt64> numbers = tf.constant(LongStream.range(0, h).toArray()); // [h]
    Inputs inputs =
        new Inputs()
            .whole(in)
            .all(early.byHeads())
            .all(attention.steps().weightsByHeads())
            .whole(mask)
            .add(SegmentInput.along(numbers, 0))
            .whole(seed());
    Operand<T> y =
        Recompute.parts(
            tf,
            new ChunkPlan(h, config.headsPerGroup(), ChunkPlan.SUM),
            inputs.list(),
            (inner, of) ->
                attention
                    .map(of::getOrPlaceholder)
                    .steps()
                    .heads(
                        inner,
                        of.get(in),
                        early.map(of::get),
                        plan,
                        find(of, mask),
                        new AttentionDropout(
                            config.dropout(), keyIn(of), of.get(numbers), null))); // [b,n,out]
    return Recompute.call(
        tf,
        new Inputs().whole(y).whole(x).all(after(attention)).whole(seed()).operands(),
        (inner, of) -> joined(inner, of, body, of.get(x), of.get(y), null)); // [b,n,c]
  }

  /** What comes after the sum over heads. */
  private Operand<T> joined(
      Ops tf,
      Substitution of,
      Sublayer.Attention<T> body,
      Operand<T> x,
      Operand<T> y,
      @Nullable Operand<TInt64> from) {
    RandomKey inner = keyIn(of);
    LinearOutput<T> added =
        body.attention()
            .map(of::getOrPlaceholder)
            .steps()
            .finish(tf, y, config.dropout(), inner == null ? null : inner.at(from));
    return sublayer.map(of::getOrPlaceholder).join(tf, x, added); // [b,n,c]
  }

  /** The weights of {@link #joined}. */
  private List<SegmentInput> after(MultiHeadAttention<T> attention) {
    Inputs inputs = new Inputs();
    List<Dense<T>> maps = attention.output();
    inputs.whole(maps.get(0).bias());
    maps.subList(1, maps.size()).forEach(map -> inputs.weights(map::map));
    Dense<T> resample = sublayer.resample();
    if (resample != null) {
      inputs.weights(resample::map);
    }
    if (!sublayer.preNorm()) {
      inputs.weights(sublayer.norm()::map);
    }
    return inputs.list();
  }

  /** The parts are some positions each; what they attend to is made before, and is short. */
  private Operand<T> attentionByPositions(Ops tf, Operand<T> x, Sublayer.Attention<T> body) {
    MultiHeadAttention<T> attention = body.attention();
    Operand<T> in = input(tf, x); // [b,n,c]
    Operand<T> source = body.source(in, context); // [b,s,c]
    Operand<TBool> mask = body.mask(context);
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    long n = x.shape().get(1);
    long k = attention.sizes(n, source.shape().get(1)).k();
    ChunkPlan parts = positions(n, attention.heads() * k);
    Operand<TInt64> from = starts(tf, parts); // [g]
    Inputs inputs =
        new Inputs()
            .add(SegmentInput.along(x, 1))
            .add(SegmentInput.along(in, 1))
            .whole(attention.queries().weight())
            .whole(attention.output().get(0).weight())
            .all(after(attention))
            .add(SegmentInput.row(from, 0))
            .whole(seed());
    if (attention.byPrefix()) {
      return prefixed(tf, parts, inputs, body, x, in, clean, from);
    }
    ContractionPlan plan = attention.steps().plan(in, source, mask, config.dropout(), key);
    var compressed =
        attention
            .steps()
            .compress(tf, attention.steps().compressSource(tf, clean, plan), plan, parts.perPart());
    inputs.whole(compressed.keys()).whole(compressed.values()).whole(mask);
    return Recompute.parts(
        tf,
        parts,
        inputs.list(),
        (inner, of) -> {
          Operand<TInt64> start = scalar(inner, of.get(from));
          Operand<T> y =
              attention
                  .map(of::getOrPlaceholder)
                  .steps()
                  .attend(
                      inner,
                      of.get(in),
                      compressed.map(of::get),
                      plan,
                      find(of, mask),
                      new AttentionDropout(config.dropout(), keyIn(of), null, start)); // [b,m,out]
          return joined(inner, of, body, of.get(x), y, start); // [b,m,c]
        });
  }

  /** The same where a part attends to its own positions and the sums of all before. */
  private Operand<T> prefixed(
      Ops tf,
      ChunkPlan parts,
      Inputs inputs,
      Sublayer.Attention<T> body,
      Operand<T> x,
      Operand<T> in,
      Operand<T> clean,
      Operand<TInt64> from) {
    long n = x.shape().get(1);
    var before =
        PrefixAttention.prefixes(tf, body.attention(), clean, parts.perPart()); // [b,h,g,k,d]
    MultiHeadAttention<T> attention = PrefixAttention.columns(tf, body.attention(), n);
    inputs
        .add(SegmentInput.along(clean, 1))
        .add(SegmentInput.row(before.keys(), 2))
        .add(SegmentInput.row(before.values(), 2))
        .all(PrefixAttention.byPositions(attention))
        .weights(attention.keys()::map)
        .weights(attention.values()::map);
    return Recompute.parts(
        tf,
        parts,
        inputs.list(),
        (inner, of) -> {
          Operand<TInt64> start = scalar(inner, of.get(from));
          Operand<T> y =
              PrefixAttention.attend(
                  inner,
                  attention.map(of::getOrPlaceholder),
                  of.get(in),
                  of.get(clean),
                  before.map(sums -> row(inner, of.get(sums))),
                  new AttentionDropout(config.dropout(), keyIn(of), null, start)); // [b,m,out]
          return joined(inner, of, body, of.get(x), y, start); // [b,m,c]
        });
  }

  private Operand<T> feedByPositions(Ops tf, Operand<T> x) {
    ChunkPlan parts = positions(x.shape().get(1), config.feedForwardDim());
    Operand<TInt64> from = starts(tf, parts); // [g]
    Inputs inputs =
        new Inputs()
            .add(SegmentInput.along(x, 1))
            .weights(sublayer::map)
            .add(SegmentInput.row(from, 0))
            .whole(seed());
    return Recompute.parts(
        tf,
        parts,
        inputs.list(),
        (inner, of) -> {
          RandomKey key = keyIn(of);
          return sublayer
              .map(of::get)
              .call(
                  inner,
                  of.get(x),
                  config,
                  Context.none(),
                  key == null ? null : key.at(scalar(inner, of.get(from)))); // [b,m,out]
        });
  }

  /**
   * @param widest values of a position in the widest tensor
   */
  private ChunkPlan positions(long n, long widest) {
    Integer chunk = config.chunk();
    return new ChunkPlan(n, chunk == null ? defaultChunk(n, widest) : Math.min(chunk, n), 1);
  }

  /** A power of two, so that the widest tensor of a part has 32 MiB, but not over 32 parts. */
  static long defaultChunk(long n, long widest) {
    long fitting = Long.highestOneBit(Math.max(1, WIDEST / widest));
    long fewEnough = Long.highestOneBit(Math.max(1, (n - 1) / MOST_PARTS)) * 2;
    return Math.min(n, Math.max(fitting, fewEnough));
  }

  /** Number of the first position of each part, [g]. */
  private static Operand<TInt64> starts(Ops tf, ChunkPlan parts) {
    return tf.constant(
        LongStream.range(0, parts.count()).map(part -> part * parts.perPart()).toArray());
  }

  /** [1] → []; of a segment that is one part, its only start. */
  private static Operand<TInt64> scalar(Ops tf, Operand<TInt64> one) {
    return tf.reshape(one, tf.constant(new int[0]));
  }

  /** [b,h,1,k,d] → [b,h,k,d]. */
  private static <T extends TFloating> Operand<T> row(Ops tf, Operand<T> x) {
    long[] sizes = x.shape().asArray();
    return Shapes.reshape(tf, x, sizes[0], sizes[1], sizes[3], sizes[4]);
  }
}
