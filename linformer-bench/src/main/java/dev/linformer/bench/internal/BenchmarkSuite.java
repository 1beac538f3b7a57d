package dev.linformer.bench.internal;

import dev.linformer.bench.BenchmarkCase;
import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.ComputePrecision;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.LinformerConfigBuilder;
import java.util.ArrayList;
import java.util.List;

/** What {@code linformer bench} measures. Dropout is off, as in the programs compared with. */
public enum BenchmarkSuite {
  /** The example with which linformer-pytorch began, at all checkpoint levels. */
  README {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (ComputePrecision precision : ComputePrecision.values()) {
        for (CheckpointLevel level : CheckpointLevel.values()) {
          cases.add(
              train(readme(README_LENGTH, 2).precision(precision).checkpointLevel(level), xla));
        }
        cases.add(infer(readme(README_LENGTH, 2).precision(precision), xla));
      }
      return cases;
    }
  },
  /** The same at depths up to 24. */
  DEPTH {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (int depth : new int[] {2, 6, 12, 24}) {
        for (CheckpointLevel level : CheckpointLevel.values()) {
          cases.add(train(readme(README_LENGTH, depth).checkpointLevel(level), xla));
        }
      }
      return cases;
    }
  },
  /** From 2 to 16 heads, kept, recomputed at once, and one by one. */
  HEADS {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (int h = 2; h <= 16; h *= 2) {
        for (CheckpointLevel level :
            new CheckpointLevel[] {CheckpointLevel.C0, CheckpointLevel.C1, CheckpointLevel.C2}) {
          cases.add(train(readme(1 << 16, 2).heads(h).checkpointLevel(level), xla));
        }
      }
      return cases;
    }
  },
  /** From short to long at one k: kept whole, and in parts of one length. */
  LENGTH {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (int n = 1 << 12; n <= 1 << 22; n *= 2) {
        cases.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C0), xla));
      }
      for (int n = 1 << 16; n <= 1 << 21; n *= 2) {
        cases.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C3).chunk(1 << 14), xla));
      }
      return cases;
    }
  },
  /** Two layers of RoBERTa's size. */
  ROBERTA {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (int n : new int[] {4096, 16384, 65536}) {
        for (ComputePrecision precision : ComputePrecision.values()) {
          cases.add(train(roberta(n).precision(precision), xla));
          cases.add(infer(roberta(n).precision(precision), xla));
        }
      }
      return cases;
    }
  },
  /** The paper's table 3: against full attention. */
  TABLE3 {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (ComputePrecision precision : ComputePrecision.values()) {
        for (int n = 512; n <= 65536; n *= 2) {
          for (int k = 128; k <= Math.min(n / 2, 2048); k *= 2) {
            cases.add(infer(roberta(n, k).precision(precision), xla));
          }
          cases.add(infer(roberta(n, 128).fullAttention(true).precision(precision), xla));
        }
      }
      return cases;
    }
  },
  /** The longest sequences, some positions at a time. */
  LONGEST {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      List<BenchmarkCase> cases = new ArrayList<>();
      for (int n = 1 << 22; n <= 1 << 24; n <<= 1) {
        cases.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C3), xla));
      }
      return cases;
    }
  },
  /** For two cores. */
  CPU {
    @Override
    public List<BenchmarkCase> cases(boolean xla) {
      return List.of(
          infer(readme(16384, 2), xla),
          train(readme(16384, 2), xla),
          train(readme(16384, 2).checkpointLevel(CheckpointLevel.C1), xla),
          train(readme(16384, 2).checkpointLevel(CheckpointLevel.C3), xla),
          infer(roberta(1024), xla),
          train(roberta(1024), xla),
          infer(readme(16384, 2).precision(ComputePrecision.BF16), xla),
          train(readme(16384, 2).precision(ComputePrecision.BF16), xla),
          infer(roberta(1024).precision(ComputePrecision.BF16), xla),
          train(roberta(1024).precision(ComputePrecision.BF16), xla));
    }
  };

  private static final int README_LENGTH = 262144;

  public abstract List<BenchmarkCase> cases(boolean xla);

  private static LinformerConfigBuilder readme(int n, int depth) {
    return LinformerConfig.builder(n, 64, 128)
        .headDim(256)
        .feedForwardDim(128)
        .heads(4)
        .depth(depth)
        .dropout(0)
        .feedForwardDropout(0);
  }

  private static LinformerConfigBuilder roberta(int n) {
    return roberta(n, 256);
  }

  private static LinformerConfigBuilder roberta(int n, int k) {
    return LinformerConfig.builder(n, 768, k)
        .headDim(64)
        .feedForwardDim(3072)
        .heads(12)
        .depth(2)
        .dropout(0)
        .feedForwardDropout(0);
  }

  private static BenchmarkCase train(LinformerConfigBuilder builder, boolean xla) {
    return work(builder.build(), true, xla);
  }

  private static BenchmarkCase infer(LinformerConfigBuilder builder, boolean xla) {
    return work(builder.build(), false, xla);
  }

  private static BenchmarkCase work(LinformerConfig config, boolean training, boolean xla) {
    String name =
        "n=%s c=%s k=%s h=%s depth=%s %s %s %s%s"
            .formatted(
                config.sequenceLength(),
                config.channels(),
                config.projectedLength(0),
                config.heads(),
                config.depth(),
                training ? "train" : "infer",
                config.precision(),
                config.checkpointLevel(),
                config.fullAttention() ? " full attention" : "");
    return new BenchmarkCase(name, config, 1, training, xla, true, 0, 3, 10, 10);
  }
}
