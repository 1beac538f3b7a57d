package dev.linformer.model;

import dev.linformer.ops.gradient.Memory;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
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
        step.updates().forEach(runner::addTarget);
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

  private static LinformerConfig.Builder readme(int n) {
    return LinformerConfig.builder(n, 64, 128).headDim(256).feedForwardDim(128).heads(4);
  }

  @Test
  void explore() {
    Map<String, LinformerConfig> all = new LinkedHashMap<>();
    all.put("readme2", readme(4096).depth(2).build());
    all.put("readme6", readme(4096).depth(6).build());
    all.put(
        "wide",
        LinformerConfig.builder(4096, 64, 64).heads(8).feedForwardDim(256).depth(2).build());
    all.put("causal", LinformerConfig.builder(2048, 32, 16).heads(4).depth(2).causal(true).build());
    all.put("masked", readme(2048).depth(2).build());
    all.forEach(
        (name, config) -> {
          for (CheckpointLevel level : CheckpointLevel.values()) {
            LinformerConfig at = config.at(level);
            boolean masked = name.equals("masked");
            RunMetadata run = measure(at, 1, masked, Memory.exact());
            double exact = Memory.peak(run) / 1e6;
            double grappler =
                Memory.peak(
                        measure(
                            at, 1, masked, Memory.exact().toBuilder().clearGraphOptions().build()))
                    / 1e6;
            double ordinary =
                Memory.peak(measure(at, 1, masked, ConfigProto.getDefaultInstance())) / 1e6;
            StringBuilder line = new StringBuilder();
            for (String policy : new String[] {"pool", "poolfifo"}) {
              System.setProperty("mem.policy", policy);
              line.append(" %s %.1f".formatted(policy, MemoryEstimate.peak(at, 1, masked) / 1e6));
            }
            System.out.printf(
                "ZZ %s %s exact %.1f grappler %.1f ordinary %.1f |%s%n",
                name, level, exact, grappler, ordinary, line);
          }
        });
  }
}
