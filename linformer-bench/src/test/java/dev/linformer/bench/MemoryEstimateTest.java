package dev.linformer.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.io.InvalidInputException;
import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.model.ModelConfig;
import dev.linformer.model.Variables;
import dev.linformer.ops.Activation;
import dev.linformer.ops.gradient.Memory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.RunMetadata;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** The estimate against the records of TensorFlow's allocator. */
class MemoryEstimateTest {

  static RunMetadata measure(ModelConfig config, int batch, boolean masked, ConfigProto proto) {
    try (Graph graph = new Graph()) {
      Ops tf = Ops.create(graph);
      var variables = Variables.random(tf, TFloat32.class, 7);
      TrainingStep step = TrainingStep.build(tf, variables, config, batch, masked);
      try (Session session = new Session(graph, proto);
          TInt64 seed = TInt64.vectorOf(3, 5)) {
        session.initialize();
        Map<Operand<?>, Tensor> fed = new LinkedHashMap<>();
        step.inputs().values().forEach(input -> fed.put(input, value(input)));
        var runner = session.runner().fetch(step.loss()).feed(step.seed().asOutput(), seed);
        runner.addTarget(step.update());
        fed.forEach((input, value) -> runner.feed(input.asOutput(), value));
        try {
          return Memory.trace(runner);
        } finally {
          fed.values().forEach(Tensor::close);
        }
      }
    }
  }

  private static Tensor value(Operand<?> input) {
    Shape shape = input.shape();
    if (input.type() == TBool.class) {
      TBool mask = TBool.tensorOf(shape);
      mask.scalars().forEachIndexed((at, x) -> x.setBoolean(at[1] % 7 != 3));
      return mask;
    }
    if (input.type() == TInt32.class) {
      TInt32 tokens = TInt32.tensorOf(shape);
      tokens.scalars().forEachIndexed((at, x) -> x.setInt((int) (at[1] % 5)));
      return tokens;
    }
    TFloat32 vectors = TFloat32.tensorOf(shape);
    for (long i = 0; i < shape.size(); i++) {
      vectors.asRawTensor().data().asFloats().setFloat((float) Math.sin((double) i), i);
    }
    return vectors;
  }

  private static LinformerConfigBuilder readme(int n) {
    return LinformerConfig.builder(n, 64, 128).headDim(256).feedForwardDim(128).heads(4);
  }

  private static final Map<String, LinformerConfig> CONFIGS = new LinkedHashMap<>();

  static {
    CONFIGS.put("readme, depth 2", readme(4099).depth(2).build());
    CONFIGS.put("readme, depth 6", readme(4099).depth(6).build());
    CONFIGS.put("wide", LinformerConfig.builder(4099, 64, 64).heads(8).feedForwardDim(256).build());
    CONFIGS.put(
        "causal", LinformerConfig.builder(2048, 32, 16).heads(4).depth(2).causal(true).build());
    for (Activation activation : Activation.values()) {
      CONFIGS.put(
          activation.name(), readme(2053).feedForwardDim(256).activation(activation).build());
    }
    CONFIGS.put("masked", readme(2053).depth(2).build());
    CONFIGS.put("no dropout", readme(2053).depth(2).dropout(0).feedForwardDropout(0).build());
  }

  static Stream<Arguments> cases() {
    return CONFIGS.keySet().stream()
        .flatMap(
            name -> Stream.of(CheckpointLevel.values()).map(level -> Arguments.of(name, level)));
  }

  /**
   * A run's peak varies with the executor's timing, on a busy machine more than on an idle one: by
   * the scores of a layer, [n,h·k], that are freed before or after another tensor is made. So the
   * closest of three runs counts, and it may be above the estimate by so much.
   */
  @ParameterizedTest
  @MethodSource("cases")
  void standsBesideTheMeasuredPeak(String name, CheckpointLevel level) {
    LinformerConfig config = Objects.requireNonNull(CONFIGS.get(name)).at(level);
    boolean masked = name.equals("masked");
    double estimated = (double) MemoryEstimate.peak(config, 1, masked);
    double scores =
        (double) Float.BYTES * config.sequenceLength() * config.heads() * config.projectedLength();
    List<Double> found = new ArrayList<>();
    do {
      found.add((double) Memory.peak(measure(config, 1, masked, Memory.exact())));
    } while (found.size() < 3 && !near(estimated, found.get(found.size() - 1), 0));
    System.out.printf(
        Locale.ROOT,
        "memory %s %s: estimated %.0f kB, measured %s%n",
        name,
        level,
        estimated / 1e3,
        found);
    assertTrue(
        found.stream().anyMatch(peak -> near(estimated, peak, scores)),
        () -> String.format(Locale.ROOT, "%.0f bytes estimated, measured %s", estimated, found));
  }

  private static boolean near(double estimated, double measured, double more) {
    return measured > 0.85 * estimated && measured < 1.15 * estimated + more;
  }

  @Test
  void longSequencesTakeNoLonger() {
    MemoryEstimate readme = MemoryEstimate.of(readme(262_144).depth(2).build(), 1);
    assertTrue(
        peak(readme, CheckpointLevel.C3) < peak(readme, CheckpointLevel.C1)
            && peak(readme, CheckpointLevel.C1) < peak(readme, CheckpointLevel.C0),
        readme::table);
    assertTrue(
        MemoryEstimate.peak(
                readme(16_777_216).depth(2).checkpointLevel(CheckpointLevel.C3).build(), 1, false)
            > 4L * 16_777_216 * 64);
  }

  private static long peak(MemoryEstimate estimate, CheckpointLevel level) {
    return Objects.requireNonNull(estimate.peaks().get(level));
  }

  /** More than 2^31 values of a layer, which TensorFlow's gradient of a mean cannot count. */
  @Test
  void batchesOfManyValues() {
    for (CheckpointLevel level : List.of(CheckpointLevel.C0, CheckpointLevel.C3)) {
      LinformerConfig config = readme(262_144).depth(1).checkpointLevel(level).build();
      long one = MemoryEstimate.peak(config, 1, false);
      long many = MemoryEstimate.peak(config, 128, false);
      assertTrue(many > 64 * one && many < 192 * one, () -> one + ", " + many);
    }
  }

  @Test
  void refusesMorePositionsThanGradientsCount() {
    LinformerConfig config = readme(262_144).depth(2).build();
    for (int batch : new int[] {8_192, Integer.MAX_VALUE}) {
      var e = assertThrows(InvalidInputException.class, () -> MemoryEstimate.of(config, batch));
      assertEquals(
          "batch = %s, but at most 8191 is expected: %s sequences of 262144 positions are more than the 2147483647 that TensorFlow's gradients can count"
              .formatted(batch, batch),
          e.getMessage());
    }
  }

  @Test
  void refusesAnEmptyBatch() {
    var config = LinformerConfig.builder(67, 12, 5).build();
    var e = assertThrows(InvalidInputException.class, () -> MemoryEstimate.of(config, 0));
    assertEquals("batch = 0, but at least 1 is expected", e.getMessage());
  }
}
