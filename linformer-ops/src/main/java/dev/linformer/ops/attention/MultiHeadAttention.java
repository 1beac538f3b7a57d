package dev.linformer.ops.attention;

import dev.linformer.ops.Biased;
import dev.linformer.ops.Dense;
import dev.linformer.ops.Dropout;
import dev.linformer.ops.Initialization;
import dev.linformer.ops.Masks;
import dev.linformer.ops.Parameter;
import dev.linformer.ops.ParameterFactory;
import dev.linformer.ops.RandomKey;
import dev.linformer.ops.Scalars;
import dev.linformer.ops.Shapes;
import dev.linformer.ops.Wide;
import dev.linformer.ops.gradient.Input;
import dev.linformer.ops.gradient.Parts;
import dev.linformer.ops.gradient.Recompute;
import dev.linformer.ops.projection.IdentityProjection;
import dev.linformer.ops.projection.LearnedProjection;
import dev.linformer.ops.projection.SequenceProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.train.BatchMatMul;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/**
 * Linformer's multi-head attention: queries of all positions against keys and values compressed
 * from length n to k. Weights of all heads are one matrix, so each product is one call.
 *
 * @param headDim d
 * @param queries [h·d,c]
 * @param keys [h·d,c], or [d,c] if all heads share one head of keys and values
 * @param values of the shape of keys
 * @param keyProjection E
 * @param valueProjection F, the same object as E where they are shared
 * @param output h·d → c, in one map or two
 * @param visibility what a position sees
 * @param forced order of the products; null for the cheapest
 * @param kernels whether scores, softmax and mixture may be one kernel, for graphs that run on an
 *     NVIDIA GPU with XLA
 */
public record MultiHeadAttention<T extends TFloating>(
    long headDim,
    Dense<T> queries,
    Dense<T> keys,
    Dense<T> values,
    SequenceProjection<T> keyProjection,
    SequenceProjection<T> valueProjection,
    List<Dense<T>> output,
    Visibility visibility,
    @Nullable ContractionPlan forced,
    boolean kernels) {

  /** In the name of a softmax whose result is P̄ as [b,n,h,k], and not [b,h,n,k]. */
  public static final String POSITIONS_FIRST = "positions_first";

  /**
   * @throws IllegalArgumentException if a projection of its own for every head is not for h heads,
   *     or a pooling or a convolution, whose windows look ahead, is to be causal
   */
  public MultiHeadAttention {
    output = List.copyOf(output);
    long heads = queries.weight().shape().get(0) / headDim;
    requireHeads(keyProjection, heads);
    requireHeads(valueProjection, heads);
    boolean none =
        keyProjection instanceof IdentityProjection
            && valueProjection instanceof IdentityProjection;
    boolean byPrefix =
        keyProjection instanceof LearnedProjection && valueProjection instanceof LearnedProjection;
    if (visibility == Visibility.CAUSAL && !none && !byPrefix) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: causal needs a learned or fixed projection of keys and of values, or none, found %s and %s"
              .formatted(keyProjection, valueProjection));
    }
  }

  private static void requireHeads(SequenceProjection<?> projection, long heads) {
    if (projection instanceof LearnedProjection<?> learned && learned.perHead()) {
      Shapes.requireAxis("MultiHeadAttention projection", learned.weight(), 0, heads, "heads");
    }
  }

  /**
   * Weights {@code name.to_q.weight}, {@code to_k}, {@code to_v} [h·d,c], known head by head as
   * {@code name.to_q.0.weight} … [d,c], and {@code name.w_o.*}, or {@code w_o_1} and {@code w_o_2}.
   */
  public static <T extends TFloating> MultiHeadAttention<T> declare(
      ParameterFactory<T> parameters,
      String name,
      AttentionSpec spec,
      SequenceProjection<T> keyProjection,
      SequenceProjection<T> valueProjection) {
    int keyHeads = spec.oneKeyValueHead() ? 1 : spec.heads();
    return new MultiHeadAttention<>(
        spec.headDim(),
        allHeads(parameters, name + ".to_q", spec, spec.heads()),
        allHeads(parameters, name + ".to_k", spec, keyHeads),
        allHeads(parameters, name + ".to_v", spec, keyHeads),
        keyProjection,
        valueProjection,
        output(parameters, name, spec),
        spec.visibility(),
        null,
        false);
  }

  private static <T extends TFloating> Dense<T> allHeads(
      ParameterFactory<T> parameters, String name, AttentionSpec spec, int heads) {
    var keys = IntStream.range(0, heads).mapToObj(i -> name + "." + i + ".weight").toList();
    return new Dense<>(
        parameters.create(
            Parameter.sliced(
                name + ".weight",
                Shape.of(heads * spec.headDim(), spec.channels()),
                Initialization.linear(spec.channels()),
                keys)),
        null);
  }

  private static <T extends TFloating> List<Dense<T>> output(
      ParameterFactory<T> parameters, String name, AttentionSpec spec) {
    long hd = spec.heads() * spec.headDim();
    Integer between = spec.outputIntermediateDim();
    if (between == null) {
      return List.of(Dense.declare(parameters, name + ".w_o", hd, spec.channels()));
    }
    return List.of(
        Dense.declare(parameters, name + ".w_o_1", hd, between),
        Dense.declare(parameters, name + ".w_o_2", between, spec.channels()));
  }

  /** The same attention with each weight replaced. */
  public <U extends TFloating> MultiHeadAttention<U> map(Function<Operand<T>, Operand<U>> replace) {
    return new MultiHeadAttention<>(
        headDim,
        queries.map(replace),
        keys.map(replace),
        values.map(replace),
        keyProjection.map(replace),
        valueProjection.map(replace),
        output.stream().map(dense -> dense.map(replace)).toList(),
        visibility,
        forced,
        kernels);
  }

  /** The same attention with its products in a given order. */
  public MultiHeadAttention<T> withPlan(ContractionPlan plan) {
    return with(keyProjection, valueProjection, plan, kernels);
  }

  /**
   * The same attention for graphs that run on an NVIDIA GPU with XLA, and nowhere else: where there
   * is a kernel for its sizes, neither scores nor P̄ are ever written to memory.
   */
  public MultiHeadAttention<T> withKernels() {
    return with(keyProjection, valueProjection, forced, true);
  }

  /** The same attention with its sequences compressed in other ways. */
  private MultiHeadAttention<T> withProjections(SequenceProjection<T> e, SequenceProjection<T> f) {
    return with(e, f, forced, kernels);
  }

  private MultiHeadAttention<T> with(
      SequenceProjection<T> e,
      SequenceProjection<T> f,
      @Nullable ContractionPlan plan,
      boolean inKernels) {
    return new MultiHeadAttention<>(
        headDim, queries, keys, values, e, f, output, visibility, plan, inKernels);
  }

  /** H. */
  public long heads() {
    return queries.weight().shape().get(0) / headDim;
  }

  /** H, or 1. */
  public long keyHeads() {
    return keys.weight().shape().get(0) / headDim;
  }

  /** Whether positions see the projection of their own prefix. */
  public boolean byPrefix() {
    return visibility == Visibility.CAUSAL && keyProjection instanceof LearnedProjection;
  }

  /**
   * The order in which products are computed.
   *
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]
   * @param mask [b,s], or null
   * @param dropout rate of the dropout on P̄
   * @param key null outside training; then there is no backward pass either
   */
  public ContractionPlan plan(
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    long s = source.shape().get(1);
    ContractionPlan plan = order(x.shape().get(1), s, key != null);
    boolean all = visibility == Visibility.ALL && !hides(mask);
    boolean drops = key != null && dropout > 0;
    return kernels && forced == null && all && !drops
        ? plan.inKernel(sizes(x.shape().get(1), s), x)
        : plan;
  }

  private ContractionPlan order(long n, long s, boolean training) {
    return forced != null ? forced : ContractionPlan.choose(sizes(n, s), training);
  }

  /** What {@link ContractionPlan} asks for. */
  public ContractionPlan.Sizes sizes(long n, long s) {
    boolean one = keyProjection.equals(valueProjection);
    long projections = keyProjection.perHead() ? 2 * heads() : one ? 1 : 2;
    return new ContractionPlan.Sizes(
        n,
        s,
        queries.weight().shape().get(1),
        heads(),
        keyHeads(),
        headDim,
        keyProjection.projectedLength(s),
        output.get(0).weight().shape().get(0),
        projections);
  }

  /** Self-attention without padding. */
  public Operand<T> call(Ops tf, Operand<T> x, double dropout, @Nullable RandomKey key) {
    return call(tf, x, x, null, dropout, key);
  }

  /**
   * @param x where queries come from, [b,n,c]
   * @param source where keys and values come from, [b,s,c]; x itself in self-attention
   * @param mask [b,s], true at the source's real positions; null if all are
   * @param dropout rate of the dropouts on P̄ and on the output, in [0,1)
   * @param key null outside training
   * @return [b,n,c]; what stands at the source's padded positions has no part in it
   * @throws IllegalArgumentException if the shapes don't fit the weights
   */
  public Operand<T> call(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    return apart(tf, x, source, mask, dropout, key).sum(tf); // [b,n,c]
  }

  /** The same with the last bias not yet added, unless a dropout comes after it. */
  public Biased<T> apart(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Operand<TBool> mask,
      double dropout,
      @Nullable RandomKey key) {
    Shapes.requireRank("MultiHeadAttention", x, 3);
    Shapes.requireRank("MultiHeadAttention source", source, 3);
    long c = queries.weight().shape().get(1);
    Shapes.requireAxis("MultiHeadAttention", x, 2, c, "channels");
    Shapes.requireAxis("MultiHeadAttention source", source, 2, c, "channels");
    ContractionPlan plan = plan(x, source, mask, dropout, key);
    Operand<T> clean = Masks.zeroPadding(tf, source, mask); // [b,s,c]
    Early<T> early = early(tf, clean, plan);
    return finish(tf, heads(tf, x, early, plan, mask, null, dropout, key), dropout, key);
  }

  /**
   * The source as far as it is compressed before there are heads, for keys and for values: [b,k,c],
   * or [b,h,k,c] if every head has its own projection; the source itself, [b,s,c], if it is
   * compressed later.
   */
  public record Early<T extends TFloating>(Operand<T> keys, Operand<T> values) {

    /** The same with other operands. */
    public <U extends TFloating> Early<U> map(Function<Operand<T>, Operand<U>> replace) {
      return new Early<>(replace.apply(keys), replace.apply(values));
    }

    /** As inputs of a segment in parts by heads. */
    public List<Input> byHeads() {
      return Stream.of(keys, values)
          .map(x -> x.shape().numDimensions() == 4 ? Input.along(x, 1) : Input.whole(x))
          .toList();
    }
  }

  /**
   * The same attention by prefix for a sequence of n positions, its projections cut to that length
   * and without their biases, which {@link #prefixes} has.
   */
  public MultiHeadAttention<T> columns(Ops tf, long n) {
    var e = new LearnedProjection<>(learned(keyProjection).columns(tf, 0, n), null);
    var f =
        valueProjection.equals(keyProjection)
            ? e
            : new LearnedProjection<>(learned(valueProjection).columns(tf, 0, n), null);
    return withProjections(e, f);
  }

  /** The projections of {@link #columns}, as inputs of a segment in parts by positions. */
  public List<Input> byPositions() {
    return Stream.of(learned(keyProjection), learned(valueProjection))
        .map(LearnedProjection::weight)
        .map(weight -> Input.along(weight, weight.shape().numDimensions() - 1))
        .toList();
  }

  /** The weights that {@link #heads} uses, as inputs of a segment in parts by heads. */
  public List<Input> byHeads() {
    List<Input> inputs = new ArrayList<>();
    inputs.add(Input.along(queries.weight(), 0));
    for (Dense<T> dense : List.of(keys, values)) {
      inputs.add(
          keyHeads() == 1 && heads() > 1
              ? Input.whole(dense.weight())
              : Input.along(dense.weight(), 0));
    }
    for (SequenceProjection<T> projection : List.of(keyProjection, valueProjection)) {
      projection.map(
          weight -> {
            inputs.add(projection.perHead() ? Input.along(weight, 0) : Input.whole(weight));
            return weight;
          });
    }
    inputs.add(Input.along(output.get(0).weight(), 1));
    return inputs;
  }

  /**
   * The first step of an attention.
   *
   * @param source [b,s,c], zero at padded positions
   */
  public Early<T> early(Ops tf, Operand<T> source, ContractionPlan plan) {
    if (byPrefix()) {
      return new Early<>(source, source);
    }
    Operand<T> forKeys = isEarly(keyProjection, plan) ? keyProjection.compress(tf, source) : source;
    if (valueProjection.equals(keyProjection)) {
      return new Early<>(forKeys, forKeys);
    }
    return new Early<>(
        forKeys, isEarly(valueProjection, plan) ? valueProjection.compress(tf, source) : source);
  }

  private static boolean isEarly(SequenceProjection<?> projection, ContractionPlan plan) {
    return plan.compressFirst() && projection.beforeHeads();
  }

  /**
   * The sum over heads of P̄·V'·W_O, without the output's bias.
   *
   * @param x [b,n,c]
   * @param mask [b,s], true at the source's real positions
   * @param numbers of these heads in the whole, for their dropout, [h]; null for 0 … h − 1
   * @return [b,n,out], out the width of the output's first map
   */
  public Operand<T> heads(
      Ops tf,
      Operand<T> x,
      Early<T> early,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> numbers,
      double dropout,
      @Nullable RandomKey key) {
    return byPrefix()
        ? prefixed(tf, x, early.keys, null, numbers, dropout, key)
        : attend(tf, x, compressed(tf, early, plan, 0), plan, mask, numbers, null, dropout, key);
  }

  /**
   * The second step: K' and V' of all heads, folded with W_Q and W_O if the plan says so.
   *
   * @param positions how many are compressed at a time where keys and values of all positions are
   *     needed for it, as for convolutions; they are computed again in the backward pass. 0: all,
   *     and nothing is computed again
   */
  public Compressed<T> compressed(Ops tf, Early<T> early, ContractionPlan plan, long positions) {
    Operand<T> k = side(tf, keys, keyProjection, early.keys, plan, positions); // [b,h,k,d]
    Operand<T> v = side(tf, values, valueProjection, early.values, plan, positions); // [b,h,k,d]
    // The scale goes on the short side.
    Operand<T> scale = Scalars.of(tf, 1 / Math.sqrt((double) headDim), k.type());
    k = tf.math.mul(k, scale); // [b,h,k,d]
    return new Compressed<>(
        plan.foldQueries() ? foldQueries(tf, k, plan) : k,
        plan.foldOutput() ? foldOutput(tf, v, plan) : v);
  }

  /** Compressed keys or values, [b,h,k,d], or [b,1,k,d] for all heads. */
  private Operand<T> side(
      Ops tf,
      Dense<T> weights,
      SequenceProjection<T> projection,
      Operand<T> early,
      ContractionPlan plan,
      long positions) {
    if (early.shape().numDimensions() == 4) { // each head's E·x with that head's W
      long c = weights.weight().shape().get(1);
      Operand<T> w = Shapes.reshape(tf, weights.weight(), keyHeads(), headDim, c); // [h,d,c]
      return projection.addBias(tf, Products.transposed(tf, early, w)); // [b,h,k,d]
    }
    if (positions > 0 && projection.window() > 0 && !isEarly(projection, plan)) {
      return projection.addBias(tf, windows(tf, weights, projection, early, positions));
    }
    Operand<T> made = Products.splitHeads(tf, weights.call(tf, early), headDim); // [b,h,k or s,d]
    return projection.addBias(
        tf, isEarly(projection, plan) ? made : projection.compress(tf, made)); // [b,h,k,d]
  }

  /** Compressed keys or values, some windows at a time, [b,h,k,d]. */
  private Operand<T> windows(
      Ops tf,
      Dense<T> weights,
      SequenceProjection<T> projection,
      Operand<T> source,
      long positions) {
    long w = projection.window();
    long k = projection.projectedLength(source.shape().get(1));
    Operand<T> padded = Shapes.padTo(tf, "MultiHeadAttention", source, 1, k * w); // [b,k·w,c]
    List<Input> inputs = new ArrayList<>();
    inputs.add(Input.along(padded, 1));
    inputs.add(Input.whole(weights.weight()));
    projection.map(
        weight -> {
          inputs.add(Input.whole(weight));
          return weight;
        });
    return Recompute.parts(
        tf,
        new Parts(k, Math.max(1, positions / w), 2),
        inputs,
        (inner, of) -> {
          Operand<T> part = of.get(padded); // [b,m,c]
          Operand<T> made =
              Products.splitHeads(
                  inner, weights.map(of::get).call(inner, part), headDim); // [b,h,m,d]
          return projection
              .map(of::get)
              .onWindows(part.shape().get(1) / w)
              .compress(inner, made); // [b,h,m/w,d]
        });
  }

  /**
   * What went before each of the parts that a sequence is cut in, for an attention by prefix.
   *
   * @param source [b,n,c], zero at padded positions
   * @param length of a part; the last may be shorter
   * @return sums of keys and of values, biases included, [b,h,g,k,d]
   */
  public Compressed<T> prefixes(Ops tf, Operand<T> source, long length) {
    return new Compressed<>(
        prefixes(tf, keys, learned(keyProjection), source, length),
        prefixes(tf, values, learned(valueProjection), source, length));
  }

  private Operand<T> prefixes(
      Ops tf, Dense<T> weights, LearnedProjection<T> projection, Operand<T> source, long length) {
    Operand<T> one = tf.expandDims(source, tf.constant(1)); // [b,1,n,c]
    var noBias = new LearnedProjection<>(projection.weight(), null);
    Operand<T> sums = CausalLinearAttention.sumsBefore(tf, noBias, one, length); // [b,h or 1,g,k,c]
    long[] sizes = sums.shape().asArray();
    Operand<T> rows =
        Shapes.reshape(
            tf, sums, sizes[0], sizes[1], sizes[2] * sizes[3], sizes[4]); // [b,h or 1,g·k,c]
    Operand<T> w = Shapes.reshape(tf, weights.weight(), keyHeads(), headDim, sizes[4]); // [h,d,c]
    Operand<T> made = Products.transposed(tf, rows, w); // [b,h,g·k,d]
    long heads = made.shape().get(1);
    Operand<T> whole =
        Shapes.reshape(tf, made, sizes[0], heads, sizes[2], sizes[3], headDim); // [b,h,g,k,d]
    return CausalLinearAttention.addBias(tf, projection, whole); // [b,h,g,k,d]
  }

  /** W_Q·K'ᵀ of all heads, [b,c,h·k]; for a kernel K'·W_Q, [b,h,k,c]. */
  private Operand<T> foldQueries(Ops tf, Operand<T> k, ContractionPlan plan) {
    long c = queries.weight().shape().get(1);
    Operand<T> w = Shapes.reshape(tf, queries.weight(), heads(), headDim, c); // [h,d,c]
    if (plan.kernel()) {
      return tf.train.batchMatMul(k, w, k.type()); // [b,h,k,c]
    }
    Operand<T> folded =
        tf.train.batchMatMul(
            w, k, k.type(), BatchMatMul.adjX(true), BatchMatMul.adjY(true)); // [b,h,c,k]
    long[] sizes = folded.shape().asArray();
    Operand<T> turned =
        tf.linalg.transpose(folded, tf.constant(new int[] {0, 2, 1, 3})); // [b,c,h,k]
    return Shapes.reshape(tf, turned, sizes[0], c, sizes[1] * sizes[3]); // [b,c,h·k]
  }

  /** V'·W_O of all heads, [b,h·k,out]; for a kernel [b,h,k,out]. */
  private Operand<T> foldOutput(Ops tf, Operand<T> v, ContractionPlan plan) {
    Operand<T> weight = output.get(0).weight(); // [out,h·d]
    long out = weight.shape().get(0);
    Operand<T> w = Shapes.reshape(tf, weight, out, heads(), headDim); // [out,h,d]
    w = tf.linalg.transpose(w, tf.constant(new int[] {1, 0, 2})); // [h,out,d]
    Operand<T> folded = Products.transposed(tf, v, w); // [b,h,k,out]
    if (plan.kernel()) {
      return folded;
    }
    long[] sizes = folded.shape().asArray();
    return Shapes.reshape(tf, folded, sizes[0], sizes[1] * sizes[2], out); // [b,h·k,out]
  }

  /**
   * The third step: scores, softmax, mixture and the output's first map, position by position.
   *
   * @param x some of the positions, [b,m,c]
   * @param mask [b,s], true at the source's real positions
   * @param numbers of these heads in the whole, [h]; null for 0 … h − 1
   * @param from number of the first of these positions, a scalar; null for 0
   * @return [b,m,out], without the output's bias
   */
  public Operand<T> attend(
      Ops tf,
      Operand<T> x,
      Compressed<T> compressed,
      ContractionPlan plan,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> numbers,
      @Nullable Operand<TInt64> from,
      double dropout,
      @Nullable RandomKey key) {
    if (plan.kernel()) {
      return attendInKernel(tf, x, compressed, plan); // [b,m,out]
    }
    Operand<T> scores;
    int headAxis;
    if (plan.foldQueries()) {
      Operand<T> all = Products.each(tf, x, compressed.keys()); // [b,n,h·k]
      long[] sizes = all.shape().asArray();
      scores = Shapes.reshape(tf, all, sizes[0], sizes[1], heads(), sizes[2] / heads());
      headAxis = 2; // [b,n,h,k]
    } else {
      Operand<T> q = Products.splitHeads(tf, queries.call(tf, x), headDim); // [b,h,n,d]
      scores = Products.transposed(tf, q, compressed.keys());
      headAxis = 1; // [b,h,n,k]
    }
    scores = Masks.hide(tf, scores, visible(tf, scores, headAxis, mask, from));
    Ops place = headAxis == 2 ? tf.withSubScope(POSITIONS_FIRST) : tf;
    Operand<T> p = Wide.softmax(place, scores); // P̄
    RandomKey inner = key == null ? null : key.fold(0).at(from);
    p = Dropout.ofHeads(tf, p, headAxis, numbers, dropout, inner);
    if (plan.foldOutput()) {
      p = headAxis == 1 ? Products.swapHeads(tf, p) : p; // [b,n,h,k]
      long[] sizes = p.shape().asArray();
      Operand<T> rows = Shapes.reshape(tf, p, sizes[0], sizes[1], sizes[2] * sizes[3]); // [b,n,h·k]
      return Products.each(tf, rows, compressed.values()); // [b,n,out]
    }
    p = headAxis == 2 ? Products.swapHeads(tf, p) : p; // [b,h,n,k]
    return outputOf(tf, tf.train.batchMatMul(p, compressed.values(), p.type())); // [b,n,out]
  }

  /** Scores, softmax and mixture in one kernel, [b,m,c] → [b,m,out]. */
  private Operand<T> attendInKernel(
      Ops tf, Operand<T> x, Compressed<T> compressed, ContractionPlan plan) {
    Operand<T> q = plan.foldQueries() ? x : queries.call(tf, x); // [b,m,c] or [b,m,h·d]
    Compressed<T> each = compressed.map(side -> Products.ofHeads(tf, side, heads())); // [b,h,k,·]
    Operand<T> y = FusedAttention.call(tf, q, each.keys(), each.values(), plan.foldOutput());
    return plan.foldOutput() ? y : firstMap().call(tf, y); // [b,m,out]
  }

  /** [b,h,n,d] → [b,n,out]. */
  private Operand<T> outputOf(Ops tf, Operand<T> mixed) {
    return firstMap().call(tf, Products.joinHeads(tf, mixed)); // [b,n,out]
  }

  /** The output's first map without its bias, which {@link #finish} adds. */
  private Dense<T> firstMap() {
    return new Dense<>(output.get(0).weight(), null);
  }

  /** Whether a mask hides anything: without a projection a padded position is in the softmax. */
  private boolean hides(@Nullable Operand<TBool> mask) {
    return mask != null && keyProjection instanceof IdentityProjection;
  }

  /** What of the compressed positions a position sees, to be broadcast to the scores; null: all. */
  private @Nullable Operand<TBool> visible(
      Ops tf,
      Operand<T> scores,
      int headAxis,
      @Nullable Operand<TBool> mask,
      @Nullable Operand<TInt64> from) {
    Operand<TBool> triangle = null;
    if (visibility != Visibility.ALL) {
      long n = scores.shape().get(3 - headAxis);
      triangle = Masks.lowerTriangle(tf, n, scores.shape().get(3), from); // [n,k]
      triangle = headAxis == 1 ? triangle : tf.expandDims(triangle, tf.constant(1)); // [n,1,k]
    }
    if (mask == null || !hides(mask)) {
      return triangle;
    }
    Operand<TBool> real = tf.expandDims(tf.expandDims(mask, tf.constant(1)), tf.constant(1));
    return triangle == null ? real : tf.math.logicalAnd(real, triangle); // from [b,1,1,s]
  }

  /**
   * The third step of an attention by prefix.
   *
   * @param x some of the positions, [b,m,c]
   * @param source the same positions, zero where padded
   * @param before what went before; null at the beginning of the sequence
   * @param numbers of these heads in the whole, [h]; null for 0 … h − 1
   * @return [b,m,out], without the output's bias
   */
  public Operand<T> prefixed(
      Ops tf,
      Operand<T> x,
      Operand<T> source,
      @Nullable Compressed<T> before,
      @Nullable Operand<TInt64> numbers,
      double dropout,
      @Nullable RandomKey key) {
    LearnedProjection<T> e = learned(keyProjection);
    Operand<T> q = Products.splitHeads(tf, queries.call(tf, x), headDim); // [b,h,n,d]
    Operand<T> k = Products.splitHeads(tf, keys.call(tf, source), headDim); // [b,h,n,d]
    Operand<T> v = Products.splitHeads(tf, values.call(tf, source), headDim); // [b,h,n,d]
    long chunk = CausalLinearAttention.chunkFor(x.shape().get(1), e.projectedLength(), headDim);
    Operand<T> mixed =
        CausalLinearAttention.call(
            tf,
            q,
            k,
            v,
            e,
            learned(valueProjection),
            before,
            chunk,
            numbers,
            dropout,
            key == null ? null : key.fold(0)); // [b,h,n,d]
    return outputOf(tf, mixed); // [b,n,out]
  }

  /**
   * The last step: the output's bias, its second map, dropout.
   *
   * @param y [b,n,out]
   * @return [b,n,c], the last bias not yet added, unless a dropout comes after it
   */
  public Biased<T> finish(Ops tf, Operand<T> y, double dropout, @Nullable RandomKey key) {
    Biased<T> z = new Biased<>(y, output.get(0).bias(), y.shape()); // [b,n,out]
    for (Dense<T> map : output.subList(1, output.size())) {
      z = map.apart(tf, z.sum(tf)); // [b,n,c] after the last
    }
    return Dropout.apply(tf, z, dropout, key == null ? null : key.fold(1)); // [b,n,c]
  }

  /**
   * What a causal attention knows of the positions so far.
   *
   * @param keys Σ E[:,i]·k_iᵀ, [b,h,k,d], or [b,1,k,d] with one key head and one E
   * @param values Σ F[:,i]·v_iᵀ, of the shape of keys
   */
  public record State<T extends TFloating>(Operand<T> keys, Operand<T> values) {}

  /**
   * A position's output and the state after it.
   *
   * @param output [b,1,c]
   */
  public record Step<T extends TFloating>(Operand<T> output, State<T> state) {}

  /**
   * The shape for one sequence, [1,h,k,d], of a state's keys and values, and of what {@link
   * #compress} gives of a source.
   */
  public Shape stateShape() {
    LearnedProjection<T> e = learned(keyProjection);
    long states = e.perHead() ? heads() : keyHeads();
    return Shape.of(1, states, e.projectedLength(), headDim);
  }

  /**
   * One position more of a causal self-attention, in O(k·d): the same numbers as {@link #call} on
   * the whole sequence gives for it.
   *
   * @param x the position, [b,1,c]
   * @param position t, a scalar counted from 0
   * @param before the state after t positions; zeros at the beginning
   * @throws IllegalArgumentException if the attention isn't causal, or has no projection
   */
  public Step<T> step(Ops tf, Operand<T> x, Operand<TInt64> position, State<T> before) {
    if (visibility != Visibility.CAUSAL) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a step needs causal attention, found " + visibility);
    }
    LearnedProjection<T> e = learned(keyProjection);
    LearnedProjection<T> f = learned(valueProjection);
    Operand<T> q = headsOfOne(tf, queries.call(tf, x)); // [b,h,1,d]
    Operand<T> k = headsOfOne(tf, keys.call(tf, x)); // [b,h or 1,1,d]
    Operand<T> v = headsOfOne(tf, values.call(tf, x)); // [b,h or 1,1,d]
    State<T> after =
        new State<>(
            tf.math.add(before.keys, tf.math.mul(column(tf, e, position), k)),
            tf.math.add(before.values, tf.math.mul(column(tf, f, position), v))); // [b,h,k,d]
    Operand<T> mixed =
        LinearAttention.call(
            tf, q, e.addBias(tf, after.keys), f.addBias(tf, after.values), 0, null); // [b,h,1,d]
    return new Step<>(outputOfOne(tf, mixed), after);
  }

  /**
   * What a decoder's attention keeps of its source while it goes position by position.
   *
   * @param source [b,s,c]
   * @param mask [b,s], true at the source's real positions; null if all are
   * @return K'/√d and V', not folded with weights, of {@link #stateShape} each
   * @throws IllegalArgumentException if the attention doesn't see all of its source, or has no
   *     projection
   */
  public Compressed<T> compress(Ops tf, Operand<T> source, @Nullable Operand<TBool> mask) {
    requireWhole();
    boolean early = order(1, source.shape().get(1), false).compressFirst();
    ContractionPlan plan = new ContractionPlan(early, false, false); // a fold is dear for one query
    return compressed(tf, early(tf, Masks.zeroPadding(tf, source, mask), plan), plan, 0);
  }

  /**
   * One position more of an attention to a source, in O(k·d): the same numbers as {@link #call}
   * gives for it.
   *
   * @param x the position, [b,1,c]
   * @param source of {@link #compress}
   * @return [b,1,c]
   * @throws IllegalArgumentException if the attention doesn't see all of its source, or has no
   *     projection
   */
  public Operand<T> step(Ops tf, Operand<T> x, Compressed<T> source) {
    requireWhole();
    Operand<T> q = headsOfOne(tf, queries.call(tf, x)); // [b,h,1,d]
    Operand<T> p = Wide.softmax(tf, Products.transposed(tf, q, source.keys())); // P̄ [b,h,1,k]
    return outputOfOne(tf, tf.train.batchMatMul(p, source.values(), p.type())); // [b,1,c]
  }

  /** [b,1,h·d] → [b,h,1,d]; of one position no value moves. */
  private Operand<T> headsOfOne(Ops tf, Operand<T> x) {
    long heads = x.shape().get(2) / headDim;
    return Shapes.reshape(tf, x, Shape.UNKNOWN_SIZE, heads, 1, headDim); // [b,h,1,d]
  }

  /** [b,h,1,d] → [b,1,c]. */
  private Operand<T> outputOfOne(Ops tf, Operand<T> mixed) {
    long hd = queries.weight().shape().get(0);
    Operand<T> y = Shapes.reshape(tf, mixed, Shape.UNKNOWN_SIZE, 1, hd); // [b,1,h·d]
    for (Dense<T> map : output) {
      y = map.call(tf, y); // [b,1,c] after the last
    }
    return y;
  }

  private void requireWhole() {
    if (visibility != Visibility.ALL) {
      throw new IllegalArgumentException(
          "MultiHeadAttention: a step needs a source that is seen as a whole, found " + visibility);
    }
    learned(keyProjection);
    learned(valueProjection);
  }

  private LearnedProjection<T> learned(SequenceProjection<T> projection) {
    if (projection instanceof LearnedProjection<T> learned) {
      return learned;
    }
    throw new IllegalArgumentException(
        "MultiHeadAttention: a step needs a learned or fixed projection, found " + projection);
  }

  /** E[:,t]: [k,1] or [h,k,1]. */
  private static <T extends TFloating> Operand<T> column(
      Ops tf, LearnedProjection<T> projection, Operand<TInt64> position) {
    Operand<TInt64> one = tf.reshape(position, tf.constant(new long[] {1})); // [1]
    return tf.gather(projection.weight(), one, tf.constant(-1)); // [k,1] or [h,k,1]
  }
}
