package dev.linformer.bench;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import dev.linformer.ops.gradient.Memory;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.proto.AllocationRecord;
import org.tensorflow.proto.RunMetadata;

/** What the checkpoint levels save in a model: measured peaks against depth, heads and length. */
class CheckpointMemoryTest {

  private static final int C = 32;
  private static final int K = 64;
  private static final int H = 8;
  private static final int F = 256;

  private static LinformerConfigBuilder builder(int n) {
    return LinformerConfig.builder(n, C, K).heads(H).feedForwardDim(F);
  }

  private static RunMetadata run(LinformerConfigBuilder builder, CheckpointLevel level) {
    return MemoryEstimateTest.measure(
        builder.checkpointLevel(level).build(), 1, false, Memory.exact());
  }

  private static double perLayer(CheckpointLevel level) {
    int few = 2;
    int many = 10;
    long more =
        Memory.peak(run(builder(1031).depth(many), level))
            - Memory.peak(run(builder(1031).depth(few), level));
    return (double) more / (many - few);
  }

  @Test
  void aLayerMoreCostsLittleAtC1() {
    double kept = perLayer(CheckpointLevel.C0);
    double again = perLayer(CheckpointLevel.C1);
    System.out.printf(Locale.ROOT, "bytes a layer: C0 %.0f, C1 %.0f%n", kept, again);
    assertTrue(
        again < 0.15 * kept, () -> String.format(Locale.ROOT, "%.0f of %.0f bytes", again, kept));
  }

  /** Without feed-forward layers, whose insides would be larger. */
  private static LinformerConfigBuilder headed(int heads) {
    return builder(1031).heads(heads).headDim(8).includeFeedForward(false);
  }

  private static double perHead(CheckpointLevel level) {
    int few = 2;
    int many = 11;
    long more = Memory.peak(run(headed(many), level)) - Memory.peak(run(headed(few), level));
    return (double) more / (many - few);
  }

  @Test
  void aHeadMoreCostsLittleAtC2() {
    double together = perHead(CheckpointLevel.C1);
    double apart = perHead(CheckpointLevel.C2);
    System.out.printf(Locale.ROOT, "bytes a head: C1 %.0f, C2 %.0f%n", together, apart);
    assertTrue(
        apart < 0.25 * together,
        () -> String.format(Locale.ROOT, "%.0f of %.0f bytes", apart, together));
  }

  private static LinformerConfigBuilder chunked(int n, int depth) {
    return builder(n).depth(depth).chunk(128);
  }

  @Test
  void aPositionMoreCostsWhatMustBeKeptAtC3() {
    int depth = 3;
    int few = 1031;
    int many = 3001;
    long more =
        Memory.peak(run(chunked(many, depth), CheckpointLevel.C3))
            - Memory.peak(run(chunked(few, depth), CheckpointLevel.C3));
    double slope = (double) more / (many - few);
    // The input of each half layer but the first, which is fed; one's gradient in and out.
    double must = 4 * C * (2 * depth - 1 + 2);
    System.out.printf(Locale.ROOT, "bytes a position: C3 %.0f, expected %.0f%n", slope, must);
    assertTrue(
        slope < 1.2 * must && slope > 0.8 * must,
        () -> String.format(Locale.ROOT, "%.0f bytes, %.0f expected", slope, must));
  }

  @Test
  void nothingWideEverExistsAtC3() {
    int n = 2503;
    long widest = largest(run(chunked(n, 2), CheckpointLevel.C3));
    assertTrue(widest < 4L * n * F && widest < 4L * n * H * K, () -> widest + " bytes");
    long kept = largest(run(chunked(n, 2), CheckpointLevel.C0));
    assertTrue(kept >= 4L * n * H * K, () -> kept + " bytes");
  }

  private static long largest(RunMetadata run) {
    return run.getStepStats().getDevStatsList().stream()
        .flatMap(device -> device.getNodeStatsList().stream())
        .flatMap(node -> node.getMemoryList().stream())
        .flatMap(memory -> memory.getAllocationRecordsList().stream())
        .mapToLong(AllocationRecord::getAllocBytes)
        .max()
        .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(
      value = CheckpointLevel.class,
      names = {"C1", "C2", "C3"})
  void aForwardPassMoreIsComputedAndNotTwo(CheckpointLevel level) {
    List<String> products = Memory.products(run(chunked(1031, 2), level));
    long forward = products.stream().filter(name -> !name.startsWith("Gradients/")).count();
    long again =
        products.stream()
            .filter(name -> name.contains("/recomputed/") && !name.contains("/gradients/"))
            .count();
    System.out.printf("products %s: forward %s, again %s%n", level, forward, again);
    assertTrue(
        again <= forward && again > forward / 2,
        () -> "%s forward, %s again".formatted(forward, again));
  }
}
