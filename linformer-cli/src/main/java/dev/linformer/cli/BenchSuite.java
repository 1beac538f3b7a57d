package dev.linformer.cli;

import dev.linformer.model.CheckpointLevel;
import dev.linformer.model.LinformerConfig;
import dev.linformer.model.Precision;
import dev.linformer.model.bench.Work;
import java.util.ArrayList;
import java.util.List;

/** What {@code linformer bench} measures. Dropout is off, as in the programs compared with. */
enum BenchSuite {
  /** The example with which linformer-pytorch began, at all checkpoint levels. */
  README {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (Precision precision : Precision.values()) {
        for (CheckpointLevel level : CheckpointLevel.values()) {
          works.add(
              train(readme(README_LENGTH, 2).precision(precision).checkpointLevel(level), xla));
        }
        works.add(infer(readme(README_LENGTH, 2).precision(precision), xla));
      }
      return works;
    }
  },
  /** The same at depths up to 24. */
  DEPTH {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (int depth : new int[] {2, 6, 12, 24}) {
        for (CheckpointLevel level : CheckpointLevel.values()) {
          works.add(train(readme(README_LENGTH, depth).checkpointLevel(level), xla));
        }
      }
      return works;
    }
  },
  /** From 2 to 16 heads, kept, recomputed at once, and one by one. */
  HEADS {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (int h = 2; h <= 16; h *= 2) {
        for (CheckpointLevel level :
            new CheckpointLevel[] {CheckpointLevel.C0, CheckpointLevel.C1, CheckpointLevel.C2}) {
          works.add(train(readme(1 << 16, 2).heads(h).checkpointLevel(level), xla));
        }
      }
      return works;
    }
  },
  /** From short to long at one k: kept whole, and in parts of one length. */
  LENGTH {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (int n = 1 << 12; n <= 1 << 22; n *= 2) {
        works.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C0), xla));
      }
      for (int n = 1 << 16; n <= 1 << 21; n *= 2) {
        works.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C3).chunk(1 << 14), xla));
      }
      return works;
    }
  },
  /** Two layers of RoBERTa's size. */
  ROBERTA {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (int n : new int[] {4096, 16384, 65536}) {
        for (Precision precision : Precision.values()) {
          works.add(train(roberta(n).precision(precision), xla));
          works.add(infer(roberta(n).precision(precision), xla));
        }
      }
      return works;
    }
  },
  /** The paper's table 3: against full attention. */
  TABLE3 {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (Precision precision : Precision.values()) {
        for (int n = 512; n <= 65536; n *= 2) {
          for (int k = 128; k <= Math.min(n / 2, 2048); k *= 2) {
            works.add(infer(roberta(n, k).precision(precision), xla));
          }
          works.add(infer(roberta(n, 128).fullAttention(true).precision(precision), xla));
        }
      }
      return works;
    }
  },
  /** The longest sequences, some positions at a time. */
  LONGEST {
    @Override
    List<Work> works(boolean xla) {
      List<Work> works = new ArrayList<>();
      for (int n = 1 << 22; n <= 1 << 24; n <<= 1) {
        works.add(train(readme(n, 2).checkpointLevel(CheckpointLevel.C3), xla));
      }
      return works;
    }
  },
  /** For two cores. */
  CPU {
    @Override
    List<Work> works(boolean xla) {
      return List.of(
          infer(readme(16384, 2), xla),
          train(readme(16384, 2), xla),
          train(readme(16384, 2).checkpointLevel(CheckpointLevel.C1), xla),
          train(readme(16384, 2).checkpointLevel(CheckpointLevel.C3), xla),
          infer(roberta(1024), xla),
          train(roberta(1024), xla),
          infer(readme(16384, 2).precision(Precision.BF16), xla),
          train(readme(16384, 2).precision(Precision.BF16), xla),
          infer(roberta(1024).precision(Precision.BF16), xla),
          train(roberta(1024).precision(Precision.BF16), xla));
    }
  };

  private static final int README_LENGTH = 262144;

  abstract List<Work> works(boolean xla);

  private static LinformerConfig.Builder readme(int n, int depth) {
    return LinformerConfig.builder(n, 64, 128)
        .headDim(256)
        .feedForwardDim(128)
        .heads(4)
        .depth(depth)
        .dropout(0)
        .feedForwardDropout(0);
  }

  private static LinformerConfig.Builder roberta(int n) {
    return roberta(n, 256);
  }

  private static LinformerConfig.Builder roberta(int n, int k) {
    return LinformerConfig.builder(n, 768, k)
        .headDim(64)
        .feedForwardDim(3072)
        .heads(12)
        .depth(2)
        .dropout(0)
        .feedForwardDropout(0);
  }

  private static Work train(LinformerConfig.Builder builder, boolean xla) {
    return work(builder.build(), true, xla);
  }

  private static Work infer(LinformerConfig.Builder builder, boolean xla) {
    return work(builder.build(), false, xla);
  }

  private static Work work(LinformerConfig config, boolean training, boolean xla) {
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
    return new Work(name, config, 1, training, xla, true, 0, 3, 10, 10);
  }
}
